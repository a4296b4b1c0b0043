import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  answers,
  StandInCluster,
  StatusError,
  type Json,
  type Plural,
  type Stored,
  type WatchEvent,
} from './cluster.stand-in.ts';

export const token = 'a-token-of-the-service-account';

type Fault =
  | {
      readonly kind: 'error';
      readonly status: number;
      readonly body?: Json;
      readonly headers?: Record<string, string>;
    }
  /** It is done, and the connection breaks before the answer. */
  | { readonly kind: 'break' };

/** An HTTP server that answers as a Kubernetes API server does for one namespace, on loopback. */
export type KubernetesStandIn = AsyncDisposable & {
  readonly url: string;
  readonly cluster: StandInCluster;
  readonly calls: readonly { readonly method: string; readonly path: string; readonly body: Json }[];
  failNext(method: string, text: string, fault: Fault): void;
  /** Ends the watches there are; those that come next are told that their version is too old. */
  compact(): void;
};

type Asked = { readonly method: string; readonly url: URL; readonly body: Json };

const paths: readonly (readonly [RegExp, Plural])[] = [
  [/^\/api\/v1\/namespaces\/medusa\/(pods|secrets|persistentvolumeclaims)(?:\/([^/]+))?$/, 'pods'],
  [
    /^\/apis\/networking\.k8s\.io\/v1\/namespaces\/medusa\/(networkpolicies)(?:\/([^/]+))?$/,
    'networkpolicies',
  ],
  [
    /^\/apis\/snapshot\.storage\.k8s\.io\/v1\/namespaces\/medusa\/(volumesnapshots)(?:\/([^/]+))?$/,
    'volumesnapshots',
  ],
];

type Options = { readonly stepMs?: number; readonly minor?: string; readonly hasSnapshots?: boolean };

export async function startKubernetes(options: Options = {}): Promise<KubernetesStandIn> {
  const { stepMs = 40, minor = '20', hasSnapshots = true } = options;
  const cluster = new StandInCluster(stepMs);
  const calls: { method: string; path: string; body: Json }[] = [];
  const faults: { method: string; text: string; fault: Fault }[] = [];
  const watches = new Set<ServerResponse>();
  let oldest = 0;

  const fixed: Readonly<Record<string, unknown>> = {
    '/version': { ...answers['version'], major: '1', minor, gitVersion: `v1.${minor}.2` },
    '/api/v1/nodes': answers['nodes'],
    '/api/v1/namespaces/medusa/resourcequotas': answers['quotas'],
    '/apis/storage.k8s.io/v1/storageclasses': {
      ...answers['storage classes'],
      items: [...(answers['storage classes']?.items ?? []), csiClass],
    },
    ...(hasSnapshots && {
      '/apis/snapshot.storage.k8s.io': { kind: 'APIGroup', preferredVersion: { version: 'v1' } },
    }),
  };
  const list = (plural: Plural, url: URL): unknown => {
    const [key = '', value] = (url.searchParams.get('labelSelector') ?? '').split('=');
    const all = [...cluster.objects[plural].values()].filter(
      ({ metadata }) => key === '' || metadata.labels?.[key] === value,
    );
    const from = Number(url.searchParams.get('continue') ?? 0);
    // Pages of two, whatever more is asked for.
    const next = from + 2 < all.length ? { continue: String(from + 2) } : {};
    return {
      items: all.slice(from, from + 2),
      metadata: { resourceVersion: String(cluster.version), ...next },
    };
  };
  const onObject = (method: string, url: URL, body: Json): unknown => {
    const match = paths.map(([pattern]) => pattern.exec(url.pathname)).find((found) => found !== null);
    if (!match) throw new StatusError('not found', 'none', url.pathname);
    const [plural, name] = [match[1] as Plural, match[2]];
    if (method === 'POST') return cluster.create(plural, withoutUnknown(plural, body as Stored, minor));
    if (name === undefined) return list(plural, url);
    if (method === 'DELETE')
      return cluster.delete(plural, name, (body['preconditions'] as { uid?: string } | undefined)?.uid);
    return cluster.get(plural, name);
  };
  const watch = (response: ServerResponse, url: URL): void => {
    const since = Number(url.searchParams.get('resourceVersion') ?? 0);
    response.writeHead(200, { 'content-type': 'application/json' });
    if (since < oldest) {
      const status = { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 };
      response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
      return;
    }
    const [key = '', value] = (url.searchParams.get('labelSelector') ?? '').split('=');
    const tell = ({ type, object, version }: WatchEvent): void => {
      if (version > since && object.metadata.labels?.[key] === value)
        response.write(`${JSON.stringify({ type, object })}\n`);
    };
    response.flushHeaders();
    for (const event of cluster.events) tell(event);
    cluster.onEvent.add(tell);
    watches.add(response);
    response.on('close', () => {
      cluster.onEvent.delete(tell);
      watches.delete(response);
    });
  };
  const takeFault = (method: string, pathname: string): Fault | undefined => {
    const index = faults.findIndex((one) => one.method === method && pathname.includes(one.text));
    return index < 0 ? undefined : faults.splice(index, 1)[0]?.fault;
  };
  const perform = (method: string, url: URL, body: Json): unknown => {
    const name = /\/pods\/([^/]+)\/log$/.exec(url.pathname)?.[1];
    if (name !== undefined) {
      cluster.get('pods', name);
      return 'the machine printed this\n';
    }
    return fixed[url.pathname] ?? onObject(method, url, body);
  };
  const answer = (request: IncomingMessage, response: ServerResponse, text: string): void => {
    const url = new URL(request.url ?? '/', 'http://stand-in');
    const { method = 'GET' } = request;
    if (request.headers.authorization !== `Bearer ${token}`) throw new StatusError('unauthorized');
    const body = JSON.parse(text || '{}') as Json;
    calls.push({ method, path: url.pathname, body });
    if (url.searchParams.get('watch') === 'true') watch(response, url);
    else answerPlainly(response, { method, url, body });
  };
  const answerPlainly = (response: ServerResponse, { method, url, body }: Asked): void => {
    const fault = takeFault(method, url.pathname);
    if (fault?.kind === 'error') {
      reply(response, fault.status, fault.body ?? {}, fault.headers);
      return;
    }
    const done = perform(method, url, body);
    if (fault) response.destroy();
    else reply(response, method === 'POST' ? 201 : 200, done);
  };

  const server = createServer((request, response) => {
    void textOf(request).then((text) => {
      try {
        answer(request, response, text);
      } catch (error) {
        if (error instanceof StatusError) reply(response, error.status, error.body);
        else reply(response, 500, { message: String(error) });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cluster,
    calls,
    failNext: (method, text, fault) => void faults.push({ method, text, fault }),
    compact() {
      oldest = cluster.version + 1;
      // Something else happens in the cluster: its version goes on.
      cluster.touch('secrets', { metadata: { name: '', uid: '', resourceVersion: '' } }, 'MODIFIED');
      for (const response of watches) response.end();
    },
    async [Symbol.asyncDispose]() {
      cluster.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A class of the Container Storage Interface, which makes copies. */
const csiClass = {
  metadata: { name: 'csi' },
  provisioner: 'csi.example.net',
  volumeBindingMode: 'Immediate',
};

/** A server drops fields that it does not know, without a word: `endPort` before 1.22 (recorded in `policy created`). */
function withoutUnknown(plural: Plural, object: Stored, minor: string): Stored {
  if (plural !== 'networkpolicies' || Number(minor) >= 22) return object;
  const text = JSON.stringify(object, (key, value: unknown) => (key === 'endPort' ? undefined : value));
  return JSON.parse(text) as Stored;
}

function reply(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const isText = typeof body === 'string';
  response
    .writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers })
    .end(isText ? body : JSON.stringify(body));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
