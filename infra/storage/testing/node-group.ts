import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpsServer, request } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '@medusa/kernel/free-ports';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { vi } from 'vitest';
import { z } from 'zod';
import { loopbackCertificate } from './certificate.ts';

type Answer = { readonly status: number; readonly contentType: string; readonly body: Buffer };

/** One node of a group, a process of its own. */
export interface GroupNode {
  readonly name: string;
  readonly directory: string;
  /** Resolves when it is ready. */
  start(): Promise<void>;
  /** Resolves with its exit code. */
  stop(signal: NodeJS.Signals): Promise<number>;
  ask(path: string, options?: { method?: string; body?: string; claims?: object }): Promise<Answer>;
  log(): Promise<string>;
}

/** Storage nodes with one address, which a supervisor listens on and hands to each of them, as systemd does. */
export interface NodeGroup extends AsyncDisposable {
  readonly dicomPort: number;
  readonly nodes: readonly [GroupNode, GroupNode];
}

/** The supervisor: has the socket as descriptor 3, takes nothing from it, and starts nodes. */
const supervisor = `
while IFS= read -r name; do
  ( sh -c '. "./$1.env"; LISTEN_PID=$$; export LISTEN_PID; echo "pid $1 $$"; exec "$NODE" "$MAIN" >>"$1.log" 2>&1' sh "$name"
    echo "exit $name $?" ) &
done
`;
const main = fileURLToPath(new URL('../main.ts', import.meta.url));

export async function startNodeGroup(environment: Readonly<Record<string, string>> = {}): Promise<NodeGroup> {
  await using starting = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'storage-group-'));
  starting.defer(async () => rm(directory, { recursive: true, force: true }));
  const { cert, key } = await loopbackCertificate();
  await writeFile(join(directory, 'cert.pem'), cert);
  await writeFile(join(directory, 'key.pem'), key);
  await writeFile(join(directory, 'peer.secret'), 'a secret that only the two nodes know');

  // All that is needed of a broker: its keys.
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'test' }] });
  const broker = createHttpsServer({ cert, key }, (req, res) => {
    res.statusCode = req.url === '/api/jwks.json' ? 200 : 404;
    res.setHeader('content-type', 'application/json').end(res.statusCode === 200 ? jwks : '{}');
  }).listen(0, '127.0.0.1');
  await once(broker, 'listening');
  starting.defer(async () => {
    broker.close();
    broker.closeAllConnections();
    await once(broker, 'close');
  });

  const socket = createServer().listen(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port: dicomPort } = socket.address() as AddressInfo;
  // Node tells the descriptor of a listening socket nowhere else.
  const { _handle: handle } = z.object({ _handle: z.object({ fd: z.int() }) }).parse(socket);
  const shell = spawn('sh', ['-c', supervisor], {
    stdio: ['pipe', 'pipe', 'ignore', handle.fd],
    cwd: directory,
    env: { PATH: '/usr/bin:/bin' },
  });
  starting.defer(async () => {
    const exited = once(shell, 'exit');
    shell.stdin?.end();
    await exited;
  });
  socket.close();
  const pids = new Map<string, number>();
  const exits = new Map<string, number>();
  const told = createInterface({ input: shell.stdout as NodeJS.ReadableStream });
  told.on('line', (line) => {
    const [event = '', name = '', value = ''] = line.split(' ');
    (event === 'pid' ? pids : exits).set(name, Number(value));
  });

  const names = ['storage-1', 'storage-2'] as const;
  const ports = new Map<string, number>();
  for (const name of names) ports.set(name, await freePort());
  const urlOf = (name: string): string => `https://127.0.0.1:${ports.get(name) ?? 0}`;
  const nodeOf = async (name: string): Promise<GroupNode> => {
    const variables = {
      NODE: process.execPath,
      MAIN: main,
      LISTEN_FDS: '1',
      LISTEN_FDNAMES: 'dicom',
      MEDUSA_BROKER_URL: `https://127.0.0.1:${(broker.address() as AddressInfo).port}`,
      MEDUSA_NODE_ID: name,
      MEDUSA_NODE_TOKEN: 'token',
      MEDUSA_CA: join(directory, 'cert.pem'),
      MEDUSA_STORAGE_DIR: join(directory, name),
      MEDUSA_STORAGE_RESERVE_MIB: '1',
      MEDUSA_STORAGE_HTTPS_PORT: String(ports.get(name)),
      MEDUSA_TLS_CERT: join(directory, 'cert.pem'),
      MEDUSA_TLS_KEY: join(directory, 'key.pem'),
      MEDUSA_PEERS: names
        .filter((other) => other !== name)
        .map((other) => `${other}=${urlOf(other)}`)
        .join(','),
      MEDUSA_PEER_SECRET_FILE: join(directory, 'peer.secret'),
      ...environment,
    };
    const lines = Object.entries(variables).map(([variable, value]) => `export ${variable}='${value}'`);
    await writeFile(join(directory, `${name}.env`), `${lines.join('\n')}\n`);
    await appendFile(join(directory, `${name}.log`), '');
    const ask: GroupNode['ask'] = async (path, { method = 'GET', body, claims = {} } = {}) => {
      const token = await new SignJWT({ study: '*', permission: 'read', ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'test' })
        .setSubject('tester')
        .setAudience('medusa-storage')
        .setExpirationTime('5m')
        .sign(privateKey);
      return askOver(new URL(path, urlOf(name)), {
        ca: cert,
        method,
        body,
        headers: {
          authorization: `Bearer ${token}`,
          accept: '*/*',
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
      });
    };
    const isReady = async (): Promise<boolean> =>
      ask('/readyz').then(
        ({ status }) => status === 200,
        () => false,
      );
    return {
      name,
      directory: join(directory, name),
      ask,
      log: async () => readFile(join(directory, `${name}.log`), 'utf8'),
      async start() {
        exits.delete(name);
        shell.stdin?.write(`${name}\n`);
        await until(isReady);
      },
      async stop(signal) {
        process.kill(pids.get(name) ?? 0, signal);
        await until(async () => exits.has(name));
        pids.delete(name);
        return exits.get(name) ?? -1;
      },
    };
  };
  const nodes = [await nodeOf(names[0]), await nodeOf(names[1])] as const;
  starting.defer(async () => {
    for (const node of nodes) if (pids.has(node.name) && !exits.has(node.name)) await node.stop('SIGKILL');
  });
  await Promise.all(nodes.map(async (node) => node.start()));
  const running = starting.move();
  return { dicomPort, nodes, [Symbol.asyncDispose]: async () => running.disposeAsync() };
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const look = async (): Promise<void> => {
    if (!(await isSo())) throw new Error('A node of the group is not as it should be');
  };
  await vi.waitFor(look, { timeout: 60_000, interval: 20 });
}

type Asking = {
  readonly ca: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
};

async function askOver(url: URL, { body, ...options }: Asking): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { ...options, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          contentType: String(answer.headers['content-type']),
          body: Buffer.concat(chunks),
        }),
      );
    });
    asking.on('error', reject);
    asking.end(body);
  });
}
