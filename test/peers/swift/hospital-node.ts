import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '@medusa/kernel/free-ports';
import { waitFor } from '../../support/wait.ts';

const infra = path.resolve(import.meta.dirname, '../../../infra/storage');

/** A storage node as a process, that can be killed and started again on its directory, and somebody whose tokens it believes. */
export interface HospitalNode extends AsyncDisposable {
  readonly dicomPort: number;
  start(): Promise<void>;
  /** As a power cut would. */
  kill(): Promise<void>;
  /** Undefined: the answer broke off, or nobody answers. */
  ask(address: string): Promise<{ readonly status: number; readonly body: Buffer } | undefined>;
  meter(name: string): Promise<number>;
  /** Objects that lie on its disk. */
  hot(): Promise<number>;
}

export async function createHospitalNode(
  environment: Readonly<Record<string, string>>,
): Promise<HospitalNode> {
  await using making = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'medusa-tiering-'));
  making.defer(async () => rm(folder, { recursive: true, force: true }));
  const certificates = path.join(folder, 'certificates');
  const issue = [path.join(folder, 'authority'), 'issue', 'TIERED', '--out', certificates];
  await promisify(execFile)(process.execPath, [path.join(infra, 'dicom-ca.ts'), ...issue]);
  const issuer = making.use(await startIssuer());
  const [dicomPort = 0, httpsPort = 0] = await freePorts(2);
  const directory = path.join(folder, 'storage');
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending?.exitCode !== null || ending.signalCode !== null) return;
    const exited = once(ending, 'exit');
    ending.kill(signal);
    await exited;
  };
  making.defer(async () => end('SIGTERM'));
  const ask: HospitalNode['ask'] = async (address) =>
    new Promise((resolve) => {
      const url = new URL(address, `https://127.0.0.1:${httpsPort}`);
      const headers = { authorization: `Bearer ${issuer.token()}`, accept: 'application/dicom' };
      const gone = (): void => resolve(undefined);
      // Its authority was made a moment ago, on this machine.
      get(url, { headers, agent: false, rejectUnauthorized: false }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', gone);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }));
      }).on('error', gone);
    });
  const made = making.move();
  return {
    dicomPort,
    ask,
    async start() {
      child = spawn(process.execPath, [path.join(infra, 'main.ts')], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: {
          MEDUSA_BROKER_URL: issuer.url,
          MEDUSA_NODE_ID: 'tiered',
          MEDUSA_NODE_TOKEN: 'token',
          MEDUSA_STORAGE_DIR: directory,
          MEDUSA_DICOM_PORT: String(dicomPort),
          MEDUSA_STORAGE_HTTPS_PORT: String(httpsPort),
          MEDUSA_STORAGE_RESERVE_MIB: '1',
          MEDUSA_TLS_CERT: path.join(certificates, 'certificate.pem'),
          MEDUSA_TLS_KEY: path.join(certificates, 'key.pem'),
          ...environment,
        },
      });
      await waitFor('the storage node', async () => (await ask('/healthz')) && true);
    },
    kill: async () => end('SIGKILL'),
    async meter(name) {
      const text = (await ask('/metrics'))?.body.toString() ?? '';
      const line = text.split('\n').find((one) => one.startsWith(`medusa_storage_${name} `));
      return Number(line?.split(' ')[1]);
    },
    async hot() {
      const files = await readdir(path.join(directory, 'objects'), { recursive: true });
      return files.filter((name) => name.endsWith('.dcm')).length;
    },
    [Symbol.asyncDispose]: async () => made.disposeAsync(),
  };
}

type Issuer = AsyncDisposable & { readonly url: string; token(): string };

/** What of a broker a storage node cannot do without: the keys of those who sign study tokens. */
async function startIssuer(): Promise<Issuer> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'test', use: 'sig' }];
  const server = createServer((req, res) => {
    res.writeHead(req.url === '/api/jwks.json' ? 200 : 404, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ keys }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token() {
      const now = Math.floor(Date.now() / 1000);
      const claims = {
        study: '*',
        permission: 'read',
        sub: 'tester',
        aud: 'medusa-storage',
        iat: now,
        exp: now + 300,
      };
      const signed = `${encoded({ alg: 'ES256', kid: 'test' })}.${encoded(claims)}`;
      const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${signed}.${signature.toString('base64url')}`;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
