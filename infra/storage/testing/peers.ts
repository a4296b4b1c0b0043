import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { splitFile, type DicomFile } from './files.ts';

const startMs = 30_000;

/** A real program that listens, in a folder of its own that goes with it. */
export interface RunningPeer extends AsyncDisposable {
  readonly folder: string;
}

export async function startPeer(
  port: number,
  command: (folder: string) => Promise<readonly [program: string, ...args: string[]]>,
): Promise<RunningPeer> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'dicom-peer-'));
  starting.defer(async () => rm(folder, { recursive: true, force: true }));
  const [program, ...args] = await command(folder);
  const child = spawn(program, args, { stdio: 'ignore', cwd: folder });
  starting.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill();
    await exited;
  });
  const deadline = AbortSignal.timeout(startMs);
  while (!(await listens(port))) {
    deadline.throwIfAborted();
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode} as it began`);
    await delay(30, undefined, { signal: deadline });
  }
  const parts = starting.move();
  return { folder, [Symbol.asyncDispose]: async () => parts.disposeAsync() };
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

/** DCMTK’s storescp, which writes data sets as they come. */
export async function startStorescp(port: number, ...options: string[]): Promise<RunningPeer> {
  return startPeer(port, async (folder) => ['storescp', ...options, '+B', '-od', folder, String(port)]);
}

/** Data sets that lie in a folder, by SOP Instance UID. */
export async function objectsIn(folder: string): Promise<Map<string, DicomFile>> {
  const objects = new Map<string, DicomFile>();
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name));
    if (bytes.toString('latin1', 128, 132) !== 'DICM') continue;
    const file = splitFile(bytes);
    objects.set(file.meta.sopInstanceUID, file);
  }
  return objects;
}
