import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

/** One answer of the cloud, as stand-ins play it. */
type Recorded = { readonly status: number; readonly body: unknown };

export type Recorder = AsyncDisposable & {
  /** Where the proxy stands: what lay at an origin of the cloud lies below `/<service>` of it. */
  readonly origin: string;
  readonly authUrl: string;
  /** The last token a client showed. */
  token(): string;
  /** Writes what was heard, one file a service, with ids, names and times made stable. */
  save(folder: string): void;
};

/** In the order of OS_ORIGINS. */
const services = ['identity', 'placement', 'image', 'compute', 'network', 'volume', 'baremetal'];
const longestList = 5;

/** A proxy in front of the whole cloud; the catalogue that goes through it names the proxy. */
export async function openRecorder(origins: readonly string[]): Promise<Recorder> {
  const heard = new Map<string, Map<string, Recorded>>(services.map((service) => [service, new Map()]));
  let token = '';
  let own = '';
  const rewrite = (text: string): string =>
    origins.reduce((done, origin, index) => done.replaceAll(origin, `${own}/${services[index] ?? ''}`), text);

  const server = createServer((incoming, outgoing) => {
    void relay(incoming, outgoing).catch((error: unknown) => {
      outgoing.destroy(error instanceof Error ? error : undefined);
    });
  });

  const relay = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const [, service = '', rest = ''] = /^\/([a-z]+)(.*)$/.exec(incoming.url ?? '') ?? [];
    const origin = origins[services.indexOf(service)];
    if (origin === undefined) throw new Error(`no service at ${String(incoming.url)}`);
    token = String(incoming.headers['x-auth-token'] ?? token);
    const sent = await readAll(incoming);
    const { status, headers, body } = await forward(origin + rest, incoming, sent);
    const text = rewrite(body.toString('utf8'));
    const isImage = incoming.headers['content-type'] === 'application/octet-stream';
    note(heard.get(service) ?? new Map<string, Recorded>(), {
      call: `${String(incoming.method)} ${rest}`,
      asked: isImage ? undefined : jsonOrText(sent.toString('utf8')),
      answer: { status, body: jsonOrText(text) },
    });
    const kept = Object.entries(headers).filter(
      ([name]) => !/^(content-length|transfer-encoding|connection)$/.test(name),
    );
    outgoing.writeHead(status, { ...Object.fromEntries(kept), 'content-length': Buffer.byteLength(text) });
    outgoing.end(text);
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  own = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin: own,
    authUrl: `${own}/identity/v3`,
    token: () => token,
    save(folder) {
      mkdirSync(folder, { recursive: true });
      const all = Object.fromEntries(
        [...heard].map(([service, answers]) => [service, Object.fromEntries([...answers].sort())]),
      );
      const stable = JSON.parse(stabilised(JSON.stringify(all), own)) as Record<string, unknown>;
      for (const [service, answers] of Object.entries(stable))
        writeFileSync(path.join(folder, `${service}.json`), `${JSON.stringify(answers, null, 1)}\n`);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

async function forward(
  url: string,
  incoming: IncomingMessage,
  sent: Buffer,
): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { ...incoming.headers, host: new URL(url).host, 'content-length': sent.length };
    delete (headers as Record<string, unknown>)['transfer-encoding'];
    delete (headers as Record<string, unknown>)['connection'];
    const asking = ask(url, { method: incoming.method ?? 'GET', headers }, resolve);
    asking.on('error', reject);
    asking.end(sent);
  });
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await readAll(answer) };
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The first answer of each shape: method, path without ids, status, what was done, and the state that it tells. */
function note(
  answers: Map<string, Recorded>,
  { call, asked, answer }: { call: string; asked: unknown; answer: Recorded },
): void {
  const route = (call.split('?')[0] ?? '')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}/g, '{id}')
    .replace(/(os-keypairs|nodes|allocations|flavors)\/(?!\{id\}|detail)[^/]+/, '$1/{name}');
  const action = route.endsWith('/action') ? Object.keys(Object(asked) as object)[0] : targetOf(asked);
  const key = [route, answer.status, action, stateOf(answer.body)].filter(Boolean).join(' ');
  const shortened = { status: answer.status, body: shortLists(answer.body) };
  const before = answers.get(key);
  if (!before || JSON.stringify(before).length < JSON.stringify(shortened).length / 2)
    answers.set(key, shortened);
}

const targetOf = (asked: unknown): unknown =>
  typeof asked === 'object' && asked !== null && 'target' in asked ? asked.target : undefined;

/** Of `{ server: { status } }`, `{ volume: … }`, an allocation, a node. */
function stateOf(body: unknown): string | undefined {
  const things = [body, ...Object.values<unknown>(Object(body) as Record<string, unknown>)];
  for (const thing of things.map((value) => Object(value) as Record<string, unknown>))
    for (const key of ['status', 'provision_state', 'state'])
      if (typeof thing[key] === 'string') return thing[key];
  return undefined;
}

function shortLists(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [
      key,
      Array.isArray(value) && key !== 'catalog' ? value.slice(0, longestList) : value,
    ]),
  );
}

/** Nothing secret is kept, and a second recording differs as little as the cloud does. */
function stabilised(text: string, own: string): string {
  const numbers = new Map<string, number>();
  const numberOf = (id: string): string => {
    if (!numbers.has(id)) numbers.set(id, numbers.size + 1);
    return String(numbers.get(id)).padStart(12, '0');
  };
  return text
    .replaceAll(own, 'http://cloud.test')
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, 'http://cloud.test')
    .replaceAll(/"adminPass":"[^"]*"/g, '"adminPass":"not-recorded"')
    .replaceAll(/token%3D[0-9a-f-]+/g, 'token%3Dnot-recorded')
    .replaceAll(
      /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g,
      (id) => `00000000-0000-4000-8000-${numberOf(id)}`,
    )
    .replaceAll(/\b[0-9a-f]{32}\b/g, (id) => `00000000000040008000${numberOf(id)}`)
    .replaceAll(/\bt[0-9a-f]{10}\b/g, 't0123456789')
    .replaceAll(/\bmedusa-test-[0-9a-f]{8}\b/g, 'medusa-test-key')
    .replaceAll(/20\d\d-\d\d-\d\d([T ])\d\d:\d\d:\d\d(\.\d+)?/g, '2026-01-01$100:00:00')
    .replaceAll(/fa:16:3e:[0-9a-f:]{8}/g, 'fa:16:3e:00:00:01')
    .replaceAll(/"public_key":"[^"]*"/g, '"public_key":"ssh-ed25519 AAAA medusa-test"')
    .replaceAll(/(?:[0-9a-f]{2}:){15}[0-9a-f]{2}/g, '00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00');
}
