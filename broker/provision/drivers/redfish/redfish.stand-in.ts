import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serveStandIn, type StandInAnswer, type StandInRequest } from '../../../support/http-stand-in.ts';

type System = Record<string, unknown> & { AssetTag: string; PowerState: string; revision: number };

/** Four systems of one controller, with their drives, virtual media and tasks. */
export class RedfishStandIn implements AsyncDisposable {
  readonly origin: string;
  readonly systems = new Map<string, System>();
  readonly media = new Map<string, unknown>();
  readonly tasks: { target: string; state: string }[] = [];
  /** Wiping takes until it is told to end. */
  isSlowToErase = false;
  readonly #server: AsyncDisposable;

  private constructor(origin: string, server: AsyncDisposable, body: string) {
    this.origin = origin;
    this.#server = server;
    for (const id of ['a', 'b', 'c', 'd'])
      this.systems.set(id, { ...(JSON.parse(body.replaceAll('{id}', id)) as System), revision: 1 });
  }

  static async start(): Promise<RedfishStandIn> {
    const body = await readFile(join(import.meta.dirname, 'recorded/system.json'), 'utf8');
    let standIn: RedfishStandIn | undefined = undefined;
    const server = await serveStandIn((request) => (standIn as unknown as RedfishStandIn).#answer(request));
    standIn = new RedfishStandIn(server.origin, server, body);
    return standIn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #answer({ method, url, headers, body }: StandInRequest): StandInAnswer {
    if (headers.authorization !== `Basic ${Buffer.from('admin:secret').toString('base64')}`)
      return fault(401, 'Base.1.0.NoValidSession', 'No valid session');
    const path = url.pathname.replace(/\/$/, '');
    if (method === 'GET') return this.#read(path);
    const [, id = '', action] =
      /^\/redfish\/v1\/(?:Systems|Managers\/BMC-|Drives)\/?([a-z])(?:\/(.*))?$/.exec(path) ?? [];
    const system = this.systems.get(id);
    if (!system) return notFound(path);
    const given = JSON.parse(body) as Record<string, unknown>;
    if (method === 'PATCH') return patch(system, given, headers['if-match']);
    return this.#act(id, system, { action: action ?? '', given, path });
  }

  #act(
    id: string,
    system: System,
    { action, given, path }: { action: string; given: Record<string, unknown>; path: string },
  ): StandInAnswer {
    if (action === 'Actions/ComputerSystem.Reset') {
      const states: Record<string, string> = { On: 'On', ForceOff: 'Off', ForceRestart: 'On' };
      system.PowerState = states[String(given['ResetType'])] ?? system.PowerState;
    } else if (action.endsWith('VirtualMedia.InsertMedia')) this.media.set(id, given['Image']);
    else if (action === 'Actions/Drive.SecureErase')
      this.tasks.push({ target: path, state: this.isSlowToErase ? 'Running' : 'Completed' });
    else return notFound(path);
    return { status: 204 };
  }

  #read(path: string): StandInAnswer {
    if (path === '/redfish/v1') return json({ Id: 'RootService', RedfishVersion: '1.15.0' });
    const members = this.#members(path);
    if (members)
      return json({
        'Members@odata.count': members.length,
        Members: members.map((id) => ({ '@odata.id': id })),
      });
    return this.#resource(path) ?? notFound(path);
  }

  #members(path: string): string[] | undefined {
    if (path === '/redfish/v1/Systems') return [...this.systems.keys()].map((id) => `${path}/${id}`);
    if (path === '/redfish/v1/TaskService/Tasks') return this.tasks.map((_, index) => `${path}/${index}`);
    return subCollection(path);
  }

  #resource(path: string): StandInAnswer | undefined {
    const [, kind = '', id = ''] = /^\/redfish\/v1\/(.*)\/([^/]+)$/.exec(path) ?? [];
    const [, owner] = kind.split('/');
    const drive = { Drives: [{ '@odata.id': `/redfish/v1/Drives/${String(owner)}` }] };
    const erase = { '#Drive.SecureErase': { target: `${path}/Actions/Drive.SecureErase` } };
    switch (kind.replace(/(Systems|Managers)\/[^/]+\//, '')) {
      case 'Systems':
        return this.#system(id);
      case 'TaskService/Tasks':
        return this.#task(Number(id));
      case 'VirtualMedia':
        return json({ MediaTypes: ['CD', 'DVD'], Inserted: false });
      case 'Drives':
        return json({ Id: id, Actions: erase });
      case 'Storage':
        return json(drive);
      default:
        return undefined;
    }
  }

  #system(id: string): StandInAnswer | undefined {
    const held = this.systems.get(id);
    if (!held) return undefined;
    const { revision, ...system } = held;
    return json(system, { etag: `"${revision}"` });
  }

  #task(index: number): StandInAnswer | undefined {
    const task = this.tasks[index];
    return task && json({ TaskState: task.state, Payload: { TargetUri: task.target } });
  }
}

function subCollection(path: string): string[] | undefined {
  if (/^\/redfish\/v1\/Systems\/[a-z]\/Storage$/.test(path)) return [`${path}/1`];
  return /^\/redfish\/v1\/Managers\/BMC-[a-z]\/VirtualMedia$/.test(path) ? [`${path}/Cd`] : undefined;
}

function patch(system: System, given: Record<string, unknown>, match: string | undefined): StandInAnswer {
  if (match !== undefined && match !== `"${system.revision}"`)
    return fault(412, 'Base.1.0.PreconditionFailed', 'The ETag supplied did not match');
  Object.assign(system, given);
  system.revision += 1;
  return { status: 204 };
}

function json(body: object, headers: Record<string, string> = {}): StandInAnswer {
  return { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

function notFound(path: string): StandInAnswer {
  return fault(404, 'Base.1.0.ResourceMissingAtURI', `The resource at the URI ${path} was not found.`);
}

function fault(status: number, code: string, message: string): StandInAnswer {
  return {
    ...json({ error: { code, message, '@Message.ExtendedInfo': [{ MessageId: code, Message: message }] } }),
    status,
  };
}
