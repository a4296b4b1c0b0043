import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { serveStandIn, type StandInAnswer, type StandInRequest } from '../../../support/http-stand-in.ts';

type Machine = { name: string; states: string[]; properties: Record<string, string>; userData: string };

const createSchema = z.object({
  resourceURI: z.literal('http://schemas.dmtf.org/cimi/1/MachineCreate'),
  name: z.string(),
  properties: z.record(z.string(), z.string()),
  machineTemplate: z.object({ machineConfig: z.object({ href: z.string() }), userData: z.string() }),
});
const paths: Readonly<Record<string, readonly string[]>> = {
  start: ['STARTING', 'STARTED'],
  stop: ['STOPPING', 'STOPPED'],
  restart: ['STARTED'],
  suspend: ['SUSPENDING', 'SUSPENDED'],
};

/** A CIMI server as far as the driver speaks with it. */
export class CimiStandIn implements AsyncDisposable {
  readonly origin: string;
  readonly machines = new Map<string, Machine>();
  /** 202 and a job instead of 201 and the machine. */
  answersWithJobs = false;
  /** Collections hold references only. */
  isTerse = false;
  readonly #server: AsyncDisposable;
  readonly #machine: string;
  #last = 0;

  private constructor(origin: string, server: AsyncDisposable, machine: string) {
    this.origin = origin;
    this.#server = server;
    this.#machine = machine;
  }

  static async start(): Promise<CimiStandIn> {
    const machine = await readFile(join(import.meta.dirname, 'recorded/machine.json'), 'utf8');
    let standIn: CimiStandIn | undefined = undefined;
    const server = await serveStandIn((request) => (standIn as unknown as CimiStandIn).#answer(request));
    standIn = new CimiStandIn(server.origin, server, machine);
    return standIn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #answer({ method, url, headers, body }: StandInRequest): StandInAnswer {
    if (headers.authorization !== `Basic ${Buffer.from('user:secret').toString('base64')}`)
      return { status: 401 };
    const [, , collection = '', id, action] = url.pathname.split('/');
    if (collection !== 'machines') return this.#fixed(collection, id);
    if (id === undefined) return method === 'POST' ? this.#create(body) : this.#list();
    return this.#one(id, method, action);
  }

  #one(id: string, method: string, action: string | undefined): StandInAnswer {
    const machine = this.machines.get(id);
    if (!machine) return { status: 404 };
    if (method === 'DELETE') {
      this.machines.delete(id);
      return { status: 200 };
    }
    if (action === undefined) return json(this.#draw(id, machine));
    machine.states = [...(paths[action] ?? [])];
    return { status: 202 };
  }

  #create(body: string): StandInAnswer {
    const { name, properties, machineTemplate } = createSchema.parse(JSON.parse(body));
    if (!machineTemplate.machineConfig.href.endsWith('/machine_configs/small')) return { status: 400 };
    this.#last += 1;
    const id = String(this.#last);
    const userData = Buffer.from(machineTemplate.userData, 'base64').toString('utf8');
    this.machines.set(id, { name, properties, userData, states: ['CREATING', 'STARTING', 'STARTED'] });
    const job = { status: 202, headers: { location: `${this.origin}/cimi/jobs/${id}` } };
    return this.answersWithJobs
      ? job
      : { status: 201, headers: { location: `${this.origin}/cimi/machines/${id}` } };
  }

  #list(): StandInAnswer {
    const machines = [...this.machines].map(([id, machine]) =>
      this.isTerse ? { href: `${this.origin}/cimi/machines/${id}` } : this.#draw(id, machine),
    );
    return json({
      resourceURI: 'http://schemas.dmtf.org/cimi/1/MachineCollection',
      count: machines.length,
      machines,
    });
  }

  #fixed(collection: string, id: string | undefined): StandInAnswer {
    const at = `${this.origin}/cimi`;
    const config = {
      id: `${at}/machine_configs/small`,
      name: 'small',
      cpu: 2,
      memory: { quantity: '4', units: 'gibibyte' },
    };
    const bodies: Record<string, object> = {
      cloudEntryPoint: {
        resourceURI: 'http://schemas.dmtf.org/cimi/1/CloudEntryPoint',
        machines: { href: `${at}/machines` },
        machineConfigs: { href: `${at}/machine_configs` },
        machineImages: { href: `${at}/machine_images` },
      },
      machine_configs: { machineConfigs: [config] },
      machine_images: {
        machineImages: [{ id: `${at}/machine_images/img1`, name: 'render', imageLocation: {} }],
      },
      jobs: {
        resourceURI: 'http://schemas.dmtf.org/cimi/1/Job',
        id: `${at}/jobs/${String(id)}`,
        state: 'SUCCESS',
      },
    };
    const body = bodies[collection];
    return body ? json(body) : { status: 404 };
  }

  #draw(id: string, { name, states, properties }: Machine): object {
    const state = (states.length > 1 ? states.shift() : states[0]) ?? 'ERROR';
    const href = `${this.origin}/cimi/machines/${id}`;
    const offered =
      { STARTED: ['stop', 'restart', 'suspend'], STOPPED: ['start'], SUSPENDED: ['start'] }[state] ?? [];
    const operations = offered.map((rel) => ({
      rel: `http://schemas.dmtf.org/cimi/1/action/${rel}`,
      href: `${href}/${rel}`,
    }));
    const recorded = JSON.parse(this.#machine) as object;
    return { ...recorded, id: href, name, state, properties, operations };
  }
}

function json(body: object): StandInAnswer {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
