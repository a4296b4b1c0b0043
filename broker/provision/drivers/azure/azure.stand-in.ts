import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  deleteDisk,
  deleteVirtualMachine,
  disks,
  machineActions,
  putDisk,
  putVirtualMachine,
  virtualMachines,
} from './azure-compute.stand-in.ts';
import { networkDeletes, networkPuts } from './azure-network.stand-in.ts';
import {
  answers,
  ArmError,
  AzureWorld,
  group,
  subscription,
  type Json,
  type Stored,
} from './azure-world.stand-in.ts';

export const clientId = '99999999-8888-4777-8666-555555555555';
export const clientSecret = 'a-secret~of.the-application';

type Answer = { status: number; body?: unknown; headers?: Record<string, string> };
type Fault = { status: number; code: string; message: string; headers?: Record<string, string> } | 'break';

/** An HTTP server that answers as Azure's Resource Manager and its token endpoint do, on loopback. */
export type AzureStandIn = AsyncDisposable & {
  readonly url: string;
  readonly world: AzureWorld;
  readonly calls: readonly { readonly method: string; readonly path: string; readonly body: Json }[];
  /** The next call of that method whose path has that text fails so; `break`: after it was done. */
  failNext(method: string, text: string, fault: Fault): void;
  withdrawTokens(): void;
};

const puts: Readonly<
  Record<string, (world: AzureWorld, id: string, body: Json & { properties: Json }) => Stored>
> = {
  ...networkPuts,
  [virtualMachines]: putVirtualMachine,
  [disks]: putDisk,
  'Microsoft.Compute/snapshots': putDisk,
  'Microsoft.Compute/sshPublicKeys': (world, id, body) => world.store(id, body),
};
const deletes: Readonly<Record<string, (world: AzureWorld, stored: Stored) => void>> = {
  ...networkDeletes,
  [virtualMachines]: deleteVirtualMachine,
  [disks]: deleteDisk,
  'Microsoft.Compute/snapshots': deleteDisk,
  'Microsoft.Compute/sshPublicKeys': (world, stored) => world.remove(stored),
};

export async function startAzure(stepMs = 60): Promise<AzureStandIn> {
  const world = new AzureWorld(stepMs);
  const calls: { method: string; path: string; body: Json }[] = [];
  const faults: { method: string; text: string; fault: Fault }[] = [];
  const tokens = new Set<string>();
  let origin = '';

  const authorize = (form: URLSearchParams): Answer => {
    const isKnown = form.get('client_id') === clientId && form.get('client_secret') === clientSecret;
    if (form.get('grant_type') !== 'client_credentials' || !(form.get('scope') ?? '').endsWith('/.default'))
      return { status: 400, body: { error: 'invalid_request', error_description: 'AADSTS900144' } };
    if (!isKnown)
      return {
        status: 401,
        body: {
          error: 'invalid_client',
          error_description: 'AADSTS7000215: Invalid client secret provided.',
        },
      };
    const token = `token-${world.number()}`;
    tokens.add(token);
    return { status: 200, body: { token_type: 'Bearer', expires_in: 3599, access_token: token } };
  };
  const list = (things: unknown[], url: URL): Answer => {
    const skip = Number(url.searchParams.get('$skiptoken') ?? 0);
    const next = new URL(url);
    next.searchParams.set('$skiptoken', String(skip + 2));
    const more = skip + 2 < things.length ? { nextLink: next.toString() } : {};
    return { status: 200, body: { value: things.slice(skip, skip + 2), ...more } };
  };
  const accepted = (status: number, body?: unknown): Answer => ({
    status,
    body,
    headers: {
      'azure-asyncoperation': `${origin}/subscriptions/${subscription}/providers/Microsoft.Compute/locations/westus/operations/${world.number()}?api-version=2024-07-01`,
      'retry-after': '0',
    },
  });
  const readSubscription = (url: URL): Answer | undefined => {
    const rest = url.pathname.replace(`/subscriptions/${subscription}/providers/`, '');
    if (rest === 'Microsoft.Compute/skus') return list(answers.skus, url);
    if (rest === 'Microsoft.Compute/locations/westus/usages') return list(answers.usages, url);
    if (rest.includes('/operations/')) return { status: 200, body: { status: 'Succeeded' } };
    if (rest === virtualMachines && url.searchParams.get('statusOnly') === 'true')
      return list(
        world.all(virtualMachines).map(({ id, body }) => ({
          id: id.toUpperCase().replace('/SUBSCRIPTIONS', '/subscriptions'),
          properties: { instanceView: body.properties['instanceView'] },
        })),
        url,
      );
    return undefined;
  };
  const onPut = (type: string, id: string, body: Json): Answer => {
    const status = world.find(id) ? 200 : 201;
    const put = puts[type];
    if (!put) throw new ArmError(404, 'InvalidResourceType', `The resource type ${type} could not be found.`);
    return accepted(status, world.show(put(world, id, body as Json & { properties: Json })));
  };
  const onDelete = (type: string, id: string): Answer => {
    const there = world.find(id);
    if (!there) return { status: 204 };
    deletes[type]?.(world, there);
    return accepted(202);
  };
  const onResource = (method: string, url: URL, body: Json): Answer => {
    const { type, name, action } = partsOf(url);
    if (name === '')
      return list(
        world.all(type).map((one) => world.show(withoutView(one))),
        url,
      );
    const id = `${group}/${type}/${name}`;
    if (method === 'PUT') return onPut(type, id, body);
    if (method === 'DELETE') return onDelete(type, id);
    const there = world.find(id);
    if (!there)
      throw new ArmError(
        404,
        'ResourceNotFound',
        `The Resource '${type}/${name}' under resource group 'medusa' was not found.`,
      );
    if (method === 'GET') return { status: 200, body: world.show(there) };
    const done = machineActions[action]?.(world, there, { body, query: url.searchParams });
    return done ? { status: 200, body: done } : accepted(202);
  };
  /** undefined: it may go on. */
  const refuse = (request: IncomingMessage, url: URL): Answer | undefined => {
    if (!tokens.has((request.headers.authorization ?? '').replace('Bearer ', '')))
      return {
        status: 401,
        body: { error: { code: 'ExpiredAuthenticationToken', message: 'The access token expiry.' } },
      };
    if (!/^20\d\d-\d\d-\d\d$/.test(url.searchParams.get('api-version') ?? ''))
      throw new ArmError(
        400,
        'MissingApiVersionParameter',
        'The api-version query parameter (?api-version=) is required.',
      );
    return undefined;
  };
  const takeFault = (method: string, pathname: string): Fault | undefined => {
    const index = faults.findIndex((one) => one.method === method && pathname.includes(one.text));
    return index < 0 ? undefined : faults.splice(index, 1)[0]?.fault;
  };
  const answer = (request: IncomingMessage, text: string): Answer => {
    const url = new URL(request.url ?? '/', origin);
    if (url.pathname === '/the-tenant/oauth2/v2.0/token') return authorize(new URLSearchParams(text));
    return refuse(request, url) ?? perform(request.method ?? '', url, JSON.parse(text || '{}') as Json);
  };
  const perform = (method: string, url: URL, body: Json): Answer => {
    calls.push({ method, path: url.pathname, body });
    const planned = takeFault(method, url.pathname);
    if (planned && planned !== 'break') {
      const { status, code, message, headers = {} } = planned;
      return { status, body: { error: { code, message } }, headers };
    }
    const done = readSubscription(url) ?? onResource(method, url, body);
    return planned ? { status: 0 } : done;
  };

  const server = createServer((request, response) => {
    void (async () => {
      const text = await textOf(request);
      let given: Answer;
      try {
        given = answer(request, text);
      } catch (error) {
        const { status, code, message } =
          error instanceof ArmError ? error : new ArmError(500, 'InternalServerError', String(error));
        given = { status, body: { error: { code, message } } };
      }
      if (given.status === 0) response.destroy();
      else
        response
          .writeHead(given.status, { 'content-type': 'application/json', ...given.headers })
          .end(given.body === undefined ? undefined : JSON.stringify(given.body));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: origin,
    world,
    calls,
    failNext: (method, text, fault) => void faults.push({ method, text, fault }),
    withdrawTokens: () => tokens.clear(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function partsOf({ pathname }: URL): { type: string; name: string; action: string } {
  const [, provider = '', kind = '', name = '', action = ''] = pathname.slice(group.length).split('/');
  return { type: `${provider}/${kind}`, name, action };
}

/** A list tells what was ordered; what machines do is only told of one, or with `statusOnly`. */
function withoutView(stored: Stored): Stored {
  const properties = { ...stored.body.properties };
  delete properties['instanceView'];
  return { ...stored, body: { ...stored.body, properties } };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
