import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serveStandIn, type StandInAnswer, type StandInRequest } from '../../../support/http-stand-in.ts';

type Instance = { name: string; states: string[]; userData: string };

/** A Deltacloud server as far as the driver speaks with it. */
export class DeltacloudStandIn implements AsyncDisposable {
  readonly url: string;
  readonly instances = new Map<string, Instance>();
  /** The cloud behind it gives its own names. */
  ignoresNames = false;
  readonly #server: AsyncDisposable;
  readonly #instance: string;
  #last = 0x3a982ba6;

  private constructor(origin: string, server: AsyncDisposable, instance: string) {
    this.url = `${origin}/api`;
    this.#server = server;
    this.#instance = instance;
  }

  static async start(): Promise<DeltacloudStandIn> {
    const instance = await readFile(join(import.meta.dirname, 'recorded/instance.xml'), 'utf8');
    let standIn: DeltacloudStandIn | undefined = undefined;
    const server = await serveStandIn((request) =>
      (standIn as unknown as DeltacloudStandIn).#answer(request),
    );
    standIn = new DeltacloudStandIn(server.origin, server, instance);
    return standIn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #answer({ method, url, headers, body }: StandInRequest): StandInAnswer {
    if (headers.authorization !== `Basic ${Buffer.from('key:secret').toString('base64')}`)
      return fault(401, 'Authentication failure');
    const [, collection = '', id, action] = url.pathname.replace(/^\/api/, '').split('/');
    if (collection !== 'instances') return fixed(collection);
    if (id === undefined) return method === 'POST' ? this.#create(new URLSearchParams(body)) : this.#list();
    const instance = this.instances.get(id);
    if (!instance) return fault(404, `Could not find instance ${id}`);
    if (method === 'DELETE') {
      instance.states = ['SHUTTING_DOWN', 'FINISH'];
      return { status: 204 };
    }
    const ends: Record<string, string[]> = {
      start: ['PENDING', 'RUNNING'],
      stop: ['STOPPING', 'STOPPED'],
      reboot: ['RUNNING'],
    };
    if (action !== undefined) instance.states = [...(ends[action] ?? [])];
    return xml(200, this.#draw(id, instance));
  }

  #create(form: URLSearchParams): StandInAnswer {
    if (form.get('hwp_id') !== 'm1.small')
      return fault(400, `Invalid hardware profile ${String(form.get('hwp_id'))}`);
    this.#last += 1;
    const id = `i-${this.#last.toString(16)}`;
    const name = this.ignoresNames ? 'emi-8dcb47bc' : String(form.get('name'));
    const userData = Buffer.from(String(form.get('user_data')), 'base64').toString('utf8');
    const instance = { name, states: ['PENDING', 'PENDING', 'RUNNING'], userData };
    this.instances.set(id, instance);
    return xml(201, this.#draw(id, instance));
  }

  #list(): StandInAnswer {
    const there = [...this.instances].filter(([, { states }]) => states[0] !== 'FINISH');
    return xml(
      200,
      `<instances>${there.map(([id, instance]) => this.#draw(id, instance)).join('')}</instances>`,
    );
  }

  #draw(id: string, { name, states }: Instance): string {
    const state = (states.length > 1 ? states.shift() : states[0]) ?? 'UNKNOWN';
    return this.#instance.replaceAll('{id}', id).replace('{name}', name).replace('{state}', state);
  }
}

function fixed(collection: string): StandInAnswer {
  const bodies: Record<string, string> = {
    '': `<api driver='ec2' provider='' version='1.1.3'><link href='http://localhost:3001/api/instances' rel='instances'><feature name='user_name'/><feature name='user_data'/></link></api>`,
    images: `<images><image href='http://localhost:3001/api/images/emi-8dcb47bc' id='emi-8dcb47bc'><name>preciseserver</name><description>precise</description><owner_id>150564846067</owner_id><architecture>x86_64</architecture><state>available</state></image></images>`,
    hardware_profiles: `<hardware_profiles><hardware_profile href='http://localhost:3001/api/hardware_profiles/m1.small' id='m1.small'><id>m1.small</id><name>m1.small</name><property kind='fixed' name='cpu' unit='count' value='1'/><property kind='fixed' name='memory' unit='MB' value='1740.8'/><property kind='fixed' name='storage' unit='GB' value='160'/></hardware_profile></hardware_profiles>`,
    realms: `<realms><realm href='http://localhost:3001/api/realms/PARTI00' id='PARTI00'><name>PARTI00</name><state>AVAILABLE</state></realm></realms>`,
  };
  const body = bodies[collection];
  return body === undefined ? fault(404, 'Not found') : xml(200, body);
}

function xml(status: number, body: string): StandInAnswer {
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version='1.0' encoding='utf-8' ?>\n${body}`,
  };
}

function fault(status: number, message: string): StandInAnswer {
  return xml(
    status,
    `<error status='${status}' url='/api/instances'><kind>error</kind><backend driver='ec2'/><message>${message}</message></error>`,
  );
}
