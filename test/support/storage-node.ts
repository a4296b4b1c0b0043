import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '@medusa/kernel/free-ports';
import { waitFor } from './wait.ts';

const memory = '/dev/shm';
const enoughBytes = 2 ** 30;
const authority = path.resolve(import.meta.dirname, '../../infra/storage/dicom-ca.ts');
const program = path.resolve(import.meta.dirname, '../../infra/storage/main.ts');

/** The storage node as a process of its own, as it runs in a hospital; without a broker. */
export interface StorageNode extends AsyncDisposable {
  readonly port: number;
  readonly directory: string;
  /** What went wrong within it so far; undefined: nothing. */
  fault(): string | undefined;
  /** Of the operating system. */
  residentMiB(): number;
  /** Without directories: each of the 256 that objects lie in may stay open. */
  openFiles(): number;
  /** Files of objects that are neither stored nor given up. */
  incoming(): number;
  objects(): string[];
  quarantined(): number;
}

type Options = {
  /** No disk is waited for: for those who want to know what the node answers, and not what a crash leaves. */
  readonly isInMemory?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** Application entities that are known (see infra/storage/README.md). */
  readonly entities?: object;
};

export async function startStorageNode(options: Options = {}): Promise<StorageNode> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(await placeFor(options), 'medusa-storage-'));
  starting.defer(async () => rm(folder, { recursive: true, force: true }));
  const certificates = path.join(folder, 'certificates');
  const issue = [path.join(folder, 'authority'), 'issue', 'FUZZED', '--out', certificates];
  await promisify(execFile)(process.execPath, [authority, ...issue]);
  const directory = path.join(folder, 'storage');
  const registry = path.join(folder, 'registry.json');
  await writeFile(registry, JSON.stringify({ entities: options.entities ?? {} }));
  const [port = 0] = await freePorts(1);
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      MEDUSA_BROKER_URL: 'https://127.0.0.1:1',
      MEDUSA_NODE_ID: 'fuzzed',
      MEDUSA_NODE_TOKEN: 'token',
      MEDUSA_STORAGE_DIR: directory,
      MEDUSA_DICOM_PORT: String(port),
      MEDUSA_DICOM_REGISTRY: registry,
      MEDUSA_LOG_LEVEL: 'error',
      MEDUSA_STORAGE_RESERVE_MIB: '1',
      MEDUSA_DICOM_ARTIM_MS: '10000',
      MEDUSA_TLS_CERT: path.join(certificates, 'certificate.pem'),
      MEDUSA_TLS_KEY: path.join(certificates, 'key.pem'),
      ...options.environment,
    },
  });
  starting.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  });
  let fault: string | undefined;
  const failed = (reason: string): void => void (fault ??= reason);
  child.on('exit', (code, signal) => failed(`the node ended: ${String(code ?? signal)}`));
  child.stderr.on('data', (chunk: Buffer) => failed(`the node wrote: ${chunk.toString().slice(0, 2_000)}`));
  // It is told to log nothing but errors.
  child.stdout.on('data', (chunk: Buffer) => failed(`the node logged: ${chunk.toString().slice(0, 2_000)}`));
  await waitFor('the node', async () => fault ?? ((await listens(port)) || undefined));
  if (fault !== undefined) throw new Error(fault);
  const { pid = 0 } = child;
  const running = starting.move();
  return {
    port,
    directory,
    fault: () => fault,
    residentMiB: () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024,
    openFiles: () =>
      readdirSync(`/proc/${pid}/fd`).filter(
        // Undefined: it was closed meanwhile.
        (name) => statSync(`/proc/${pid}/fd/${name}`, { throwIfNoEntry: false })?.isDirectory() === false,
      ).length,
    incoming: () => readdirSync(path.join(directory, 'incoming')).length,
    objects: () =>
      readdirSync(path.join(directory, 'objects'), { recursive: true })
        .map(String)
        .filter((name) => name.endsWith('.dcm'))
        .map((name) => path.basename(name, '.dcm')),
    quarantined: () => readdirSync(path.join(directory, 'quarantine')).length,
    async [Symbol.asyncDispose]() {
      child.removeAllListeners('exit');
      await running.disposeAsync();
    },
  };
}

/** A container may have next to nothing there. */
async function placeFor({ isInMemory = false }: Options): Promise<string> {
  if (!isInMemory) return tmpdir();
  const room = await statfs(memory).catch(() => undefined);
  return room && room.bavail * room.bsize > enoughBytes ? memory : tmpdir();
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
