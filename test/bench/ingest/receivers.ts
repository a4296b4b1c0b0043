import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, truncate, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '@medusa/kernel/free-ports';
import { descendantsOf } from '../../support/processes.ts';
import { waitFor } from '../../support/wait.ts';

export const receiverNames = ['medusa', 'orthanc', 'storescp'] as const;
export type ReceiverName = (typeof receiverNames)[number];

export type Receiver = AsyncDisposable & {
  readonly port: number;
  readonly tlsPort: number;
  /** The storage node's own certificates. */
  readonly pki: string;
  /** Processor seconds so far, of children that have ended too. */
  cpuSeconds(): number;
  /** The most memory that its own process ever had, MiB. */
  mostMiB(): number;
  /** Files in its store, at least the objects. */
  stored(): Promise<number>;
};

/** What a sender needs to show for TLS: PEM files. */
export type Identity = { readonly key: string; readonly certificate: string; readonly authorities: string };

type Started = {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
};
type Place = {
  readonly folder: string;
  readonly store: string;
  readonly port: number;
  readonly httpPort: number;
  readonly tlsPort: number;
};

const storageNode = fileURLToPath(new URL('../../../infra/storage/main.ts', import.meta.url));
const authority = fileURLToPath(new URL('../../../infra/storage/dicom-ca.ts', import.meta.url));
const aeTitle = 'BENCH';
export const senderTitle = 'SENDER';

/**
 * A receiver with an empty store in a folder of its own, alone on loopback. When it ends its files are emptied and stay: before ext4 makes
 * a file it looks at each of those that were deleted in the last minutes, and who comes next would be charged for it.
 * @param under where its folder is made; whoever calls takes it away
 */
export async function startReceiver(name: ReceiverName, log: string, under: string): Promise<Receiver> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(under, `${name}-`));
  starting.defer(async () => emptyFiles(folder));
  const store = path.join(folder, 'store');
  await mkdir(store);
  const [port = 0, httpPort = 0, tlsPort = 0] = await freePorts(3);
  const { command, args, env } = await commands[name]({ folder, store, port, httpPort, tlsPort });
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: env ?? process.env });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2_000)));
  starting.defer(async () => stop(child));
  await waitFor(`${name} (${log})`, async () => {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${complaint}`);
    return (await listens(port)) ? true : undefined;
  });
  const pid = child.pid ?? 0;
  const running = starting.move();
  return {
    port,
    tlsPort,
    pki: path.join(folder, 'pki'),
    cpuSeconds: () => {
      // storescp counts its children when the next association comes.
      if (name === 'storescp') execFileSync('echoscu', ['-aec', aeTitle, '127.0.0.1', String(port)]);
      return [pid, ...descendantsOf(pid).map((each) => each.pid)].reduce(
        (sum, each) => sum + cpuSecondsOf(each),
        0,
      );
    },
    mostMiB: () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024,
    stored: async () => countFiles(store),
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

/** A certificate for the sender, by the authority that the storage node made for itself. */
export async function issueIdentity(pki: string, out: string): Promise<Identity> {
  execFileSync(process.execPath, [authority, pki, 'issue', senderTitle, '--out', out], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return {
    key: path.join(out, 'key.pem'),
    certificate: path.join(out, 'certificate.pem'),
    authorities: path.join(out, 'authorities.pem'),
  };
}

const commands: Readonly<Record<ReceiverName, (place: Place) => Promise<Started>>> = {
  async medusa({ folder, store, port, tlsPort }) {
    const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
        ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'],
        ...['-keyout', key, '-out', certificate],
      ],
      { stdio: 'ignore' },
    );
    const env = {
      PATH: process.env['PATH'],
      // Nobody listens there: a node receives without its broker.
      MEDUSA_BROKER_URL: 'https://127.0.0.1:1',
      MEDUSA_NODE_ID: 'bench',
      MEDUSA_NODE_TOKEN: 'token',
      MEDUSA_STORAGE_DIR: store,
      MEDUSA_AE_TITLE: aeTitle,
      MEDUSA_DICOM_PORT: String(port),
      MEDUSA_DICOM_TLS_PORT: String(tlsPort),
      MEDUSA_DICOM_PKI: path.join(folder, 'pki'),
      MEDUSA_TLS_CERT: certificate,
      MEDUSA_TLS_KEY: key,
      MEDUSA_LOG_LEVEL: 'silent',
    };
    return Promise.resolve({ command: process.execPath, args: [storageNode], env });
  },
  async orthanc({ folder, store, port, httpPort }) {
    const file = path.join(folder, 'orthanc.json');
    const configuration = {
      ...{ Name: 'BENCH', DicomAet: aeTitle, DicomPort: port, HttpPort: httpPort },
      ...{ StorageDirectory: store, IndexDirectory: store, SyncStorageArea: true },
      ...{
        AuthenticationEnabled: false,
        RemoteAccessAllowed: false,
        DicomAlwaysAllowStore: true,
        Plugins: [],
      },
    };
    await writeFile(file, JSON.stringify(configuration));
    return { command: 'Orthanc', args: [file] };
  },
  async storescp({ store, port }) {
    const args = ['--fork', '-pdu', '131072', '+B', '+xa', '-od', store, '-aet', aeTitle, String(port)];
    return Promise.resolve({ command: 'storescp', args });
  },
};

/** Its own and that of its children that have ended (proc(5): fields 14 to 17), in hundredths of a second. */
export function cpuSecondsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
  } catch {
    return 0; // It ended while we looked.
  }
}

export async function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function emptyFiles(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  for (const entry of entries) if (entry.isFile()) await truncate(path.join(entry.parentPath, entry.name));
}

async function countFiles(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).length;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const overdue = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await ended;
  clearTimeout(overdue);
}
