import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from '@medusa/kernel/free-ports';
import { descendantsOf } from '../../support/processes.ts';
import { waitFor } from '../../support/wait.ts';
import { cpuSecondsOf, listens } from '../ingest/receivers.ts';
import { fillIndex } from './made-up-studies.ts';

export type DicomwebServer = AsyncDisposable & {
  readonly dicomPort: number;
  /** Of its DICOMweb services, without a slash at the end. */
  readonly root: string;
  /** For one run of requests. */
  headers(): readonly string[];
  cpuSeconds(): number;
};

const storageNode = path.resolve(import.meta.dirname, '../../../infra/storage/main.ts');

/** With so many studies in its index. Every request shows a token, as nothing is served otherwise. */
export async function startMedusa(studies: number): Promise<DicomwebServer> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'medusa-bench-dicomweb-'));
  starting.defer(async () => rm(folder, { recursive: true, force: true }));
  const { key, certificate } = makeCertificate(folder);
  const keys = starting.use(await startKeys({ key, certificate }));
  const [dicomPort = 0, httpsPort = 0] = await freePorts(2);
  const store = path.join(folder, 'store');
  const env = {
    PATH: process.env['PATH'],
    MEDUSA_BROKER_URL: keys.url,
    MEDUSA_CA: certificate,
    MEDUSA_NODE_ID: 'bench',
    MEDUSA_NODE_TOKEN: 'token',
    MEDUSA_STORAGE_DIR: store,
    MEDUSA_AE_TITLE: 'BENCH',
    MEDUSA_DICOM_PORT: String(dicomPort),
    MEDUSA_STORAGE_HTTPS_PORT: String(httpsPort),
    MEDUSA_TLS_CERT: certificate,
    MEDUSA_TLS_KEY: key,
    MEDUSA_LOG_LEVEL: 'silent',
  };
  const start = async (): Promise<Program> =>
    startProgram(process.execPath, [storageNode], { env, port: httpsPort });
  if (studies > 0) {
    // The first start makes the index.
    await (await start())[Symbol.asyncDispose]();
    fillIndex(path.join(store, 'index.sqlite'), studies);
  }
  const program = starting.use(await start());
  const running = starting.move();
  return {
    dicomPort,
    root: `https://127.0.0.1:${httpsPort}/dicomweb`,
    headers: () => [`Authorization: Bearer ${keys.token()}`],
    cpuSeconds: () => cpuSecondsOf(program.pid),
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

export type OrthancDicomweb = DicomwebServer & { readonly secureRoot: string };

/**
 * With its DICOMweb plug-in. It asks nobody who he is. Over HTTPS Debian's build ends at the first request, so TLS is done before it
 * by nginx, as its manual has it.
 */
export async function startOrthancDicomweb(): Promise<OrthancDicomweb> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'medusa-bench-orthanc-'));
  starting.defer(async () => rm(folder, { recursive: true, force: true }));
  const [dicomPort = 0, httpPort = 0, httpsPort = 0] = await freePorts(3);
  const store = path.join(folder, 'store');
  await mkdir(store);
  const file = path.join(folder, 'orthanc.json');
  const configuration = {
    ...{ Name: 'BENCH', DicomAet: 'BENCH', DicomPort: dicomPort, HttpPort: httpPort },
    ...{ StorageDirectory: store, IndexDirectory: store },
    KeepAlive: true,
    ...{ AuthenticationEnabled: false, RemoteAccessAllowed: true, DicomAlwaysAllowStore: true },
    ...{ Plugins: ['/usr/share/orthanc/plugins/libOrthancDicomWeb.so'], DicomWeb: { Enable: true } },
  };
  await writeFile(file, JSON.stringify(configuration));
  const program = starting.use(await startProgram('Orthanc', [file], { env: process.env, port: httpPort }));
  const { key, certificate } = makeCertificate(folder);
  const settings = path.join(folder, 'nginx.conf');
  await writeFile(settings, proxySettings({ folder, httpPort, httpsPort, key, certificate }));
  const proxy = await startProgram('nginx', ['-c', settings, '-e', 'stderr'], {
    env: process.env,
    port: httpsPort,
  });
  starting.use(proxy);
  const running = starting.move();
  return {
    dicomPort,
    root: `http://127.0.0.1:${httpPort}/dicom-web`,
    secureRoot: `https://127.0.0.1:${httpsPort}/dicom-web`,
    headers: () => [],
    cpuSeconds: () =>
      [program.pid, proxy.pid, ...descendantsOf(proxy.pid).map(({ pid }) => pid)].reduce(
        (sum, pid) => sum + cpuSecondsOf(pid),
        0,
      ),
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

type Proxy = Pem & { readonly folder: string; readonly httpPort: number; readonly httpsPort: number };

function proxySettings({ folder, httpPort, httpsPort, key, certificate }: Proxy): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return [
    `daemon off; pid ${folder}/nginx.pid; worker_processes 1; user root; events {}`,
    `http { access_log off; keepalive_requests 100000; ${temporary.join(' ')}`,
    // Connections to Orthanc are kept, nothing is laid on the disk, and a frame fits into the memory for an answer.
    `upstream orthanc { server 127.0.0.1:${httpPort}; keepalive 16; keepalive_requests 100000; }`,
    `server { listen 127.0.0.1:${httpsPort} ssl; ssl_certificate ${certificate}; ssl_certificate_key ${key};`,
    'location / { proxy_pass http://orthanc; proxy_http_version 1.1; proxy_set_header Connection "";',
    'proxy_set_header Host $host; proxy_max_temp_file_size 0; proxy_buffer_size 64k; proxy_buffers 12 64k; } } }',
  ].join('\n');
}

type Program = AsyncDisposable & { readonly pid: number };

async function startProgram(
  command: string,
  args: readonly string[],
  { env, port }: { env: NodeJS.ProcessEnv; port: number },
): Promise<Program> {
  const child = spawn(command, args, { stdio: 'ignore', env });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
  };
  try {
    // An index of a million studies may have to be looked over first.
    await waitFor(command, async () => (await listens(port)) || undefined, 180_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid ?? 0, [Symbol.asyncDispose]: stop };
}

type Pem = { readonly key: string; readonly certificate: string };

function makeCertificate(folder: string): Pem {
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
      ...[
        '-subj',
        '/CN=127.0.0.1',
        '-addext',
        'subjectAltName=IP:127.0.0.1',
        '-keyout',
        key,
        '-out',
        certificate,
      ],
    ],
    { stdio: 'ignore' },
  );
  return { key, certificate };
}

type Keys = AsyncDisposable & {
  readonly url: string;
  token(): string;
};

/** What a storage node wants of a broker to serve anybody: the key that tokens are signed with. */
async function startKeys({ key, certificate }: Pem): Promise<Keys> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwks = JSON.stringify({
    keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'bench' }],
  });
  const server = createServer({ key: await readFile(key), cert: await readFile(certificate) }, (req, res) => {
    if (req.url === '/api/jwks.json') res.setHeader('Content-Type', 'application/json').end(jwks);
    else res.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token() {
      const exp = Math.floor(Date.now() / 1_000) + 3_600;
      const claims = { sub: 'bench', aud: 'medusa-storage', study: '*', permission: 'read', exp };
      const text = `${encoded({ alg: 'ES256', kid: 'bench' })}.${encoded(claims)}`;
      const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${text}.${signature.toString('base64url')}`;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
