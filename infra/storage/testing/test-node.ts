import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { pino } from 'pino';
import { startStorageNode, type StorageNode } from '../app.ts';
import { storageConfigSchema, type StorageConfig } from '../config.ts';
import { loopbackCertificate } from './certificate.ts';

export type HttpAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
};
type HttpAsk = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly token?: string | null;
};

/** A storage node on loopback with a directory, keys and a certificate of its own. */
export interface TestNode extends AsyncDisposable {
  readonly directory: string;
  readonly config: StorageConfig;
  readonly node: StorageNode;
  /** Signs a study token as the broker would. */
  token(claims?: Record<string, unknown>): Promise<string>;
  /** Over HTTPS, with a token for everything unless told otherwise. */
  ask(path: string, options?: HttpAsk): Promise<HttpAnswer>;
  /** With other settings from then on, where they are given. */
  restart(changes?: Partial<StorageConfig>): Promise<void>;
}

export async function startTestNode(
  settings: Partial<Record<keyof StorageConfig, unknown>> = {},
): Promise<TestNode> {
  await using starting = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'storage-node-'));
  starting.defer(async () => rm(directory, { recursive: true, force: true }));
  const { cert, key } = await loopbackCertificate();
  const files = { tlsCert: join(directory, 'cert.pem'), tlsKey: join(directory, 'key.pem') };
  await writeFile(files.tlsCert, cert);
  await writeFile(files.tlsKey, key);
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'test' }] });
  const config = storageConfigSchema.parse({
    // Nobody listens there: a node must work without its broker.
    brokerUrl: 'https://127.0.0.1:1',
    nodeId: 'storage-test',
    nodeToken: 'token',
    directory: join(directory, 'storage'),
    dicomPort: 0,
    reserveMiB: 1,
    logLevel: 'silent',
    ...files,
    ...settings,
  });
  const log = pino({ level: config.logLevel });
  let node = await startStorageNode(config, { log, keys });
  starting.defer(async () => node.close());
  const token = async (claims: Record<string, unknown> = {}): Promise<string> =>
    new SignJWT({ study: '*', permission: 'write', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'test' })
      .setSubject('tester')
      .setAudience('medusa-storage')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
  const running = starting.move();
  return {
    directory: config.directory,
    config,
    get node() {
      return node;
    },
    token,
    async ask(path, options = {}) {
      const bearer = options.token === undefined ? await token() : options.token;
      const headers = { ...options.headers, ...(bearer !== null && { authorization: `Bearer ${bearer}` }) };
      const url = new URL(path, `https://127.0.0.1:${node.httpsPort}`);
      return askOver(url, cert, { ...options, headers });
    },
    async restart(changes = {}) {
      await node.close();
      node = await startStorageNode({ ...config, ...changes }, { log, keys });
    },
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

async function askOver(url: URL, ca: string, { method, headers, body }: HttpAsk): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const asking = request(
      url,
      { method: method ?? 'GET', headers: headers ?? {}, ca, agent: false },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    asking.on('error', reject);
    asking.end(body);
  });
}

/** The parts of a `multipart/related` answer. */
export function partsOf({ headers, body }: HttpAnswer): { contentType: string; bytes: Buffer }[] {
  const boundary = /boundary=([^;\s]+)/.exec(String(headers['content-type']))?.[1] ?? '';
  const delimiter = `--${boundary}`;
  const parts: { contentType: string; bytes: Buffer }[] = [];
  let at = body.indexOf(delimiter) + delimiter.length;
  while (body.toString('latin1', at, at + 2) !== '--') {
    const headerEnd = body.indexOf('\r\n\r\n', at);
    const end = body.indexOf(`\r\n${delimiter}`, headerEnd);
    if (headerEnd < 0 || end < 0) throw new Error('The multipart answer is broken');
    const contentType = /content-type: ([^\r]*)/i.exec(body.toString('latin1', at, headerEnd))?.[1] ?? '';
    parts.push({ contentType, bytes: body.subarray(headerEnd + 4, end) });
    at = end + 2 + delimiter.length;
  }
  return parts;
}
