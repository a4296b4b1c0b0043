import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError, nodeIdSchema, type NodeId } from '@medusa/protocol';
import { z } from 'zod';
import type { ProviderDriver } from '../driver.ts';
import { identifyProcess, isRunning } from '../../embedded/index.ts';

export type LocalProcessSettings = {
  /** Each node has a folder in it, with its log and the note of its process. */
  readonly nodesDir: string;
  /** Program and arguments of the render node's agent. */
  readonly command: readonly [string, ...string[]];
  /** How long the agent may take to close its sessions. */
  readonly stopMs: number;
};

const noteSchema = z.object({
  pid: z.int().positive(),
  startTime: z.string(),
  bootId: z.string(),
  startedAt: z.iso.datetime(),
});
type Note = z.infer<typeof noteSchema>;

const pollMs = 50;

/** Render nodes as processes of this machine. They are detached: they go on when the broker ends, and are found again. */
export function openLocalProcessDriver(settings: LocalProcessSettings): ProviderDriver {
  const dirOf = (id: NodeId): string => join(settings.nodesDir, id);
  const noteOf = (id: NodeId): string => join(dirOf(id), 'process.json');

  const readNote = async (id: NodeId): Promise<Note | undefined> => {
    let text: string;
    try {
      text = await readFile(noteOf(id), 'utf8');
    } catch {
      return undefined;
    }
    return noteSchema.parse(JSON.parse(text));
  };

  const start = async (id: NodeId, environment: Readonly<Record<string, string>>): Promise<ChildProcess> => {
    const [program, ...args] = settings.command;
    await mkdir(dirOf(id), { recursive: true, mode: 0o700 });
    const log = await open(join(dirOf(id), 'node.log'), 'a', 0o600);
    try {
      const child = spawn(program, args, {
        cwd: dirOf(id),
        detached: true,
        env: { ...environment, MEDUSA_NODE_DIR: dirOf(id) },
        stdio: ['ignore', log.fd, log.fd],
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      child.unref();
      return child;
    } finally {
      await log.close();
    }
  };

  return {
    kind: 'local-process',

    async acquire(id, { environment }, signal) {
      signal.throwIfAborted();
      const held = await readNote(id);
      if (held) {
        if (await isRunning(held)) return;
        throw new AppError('provider.failed', `The process of ${id} has ended and is not released yet`);
      }
      let child: ChildProcess;
      try {
        child = await start(id, environment);
      } catch (cause) {
        throw new AppError('provider.failed', `The process of ${id} could not be started`, { cause });
      }
      const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid);
      if (!identity || signal.aborted) {
        child.kill('SIGKILL');
        signal.throwIfAborted();
        throw new AppError('provider.failed', `The process of ${id} ended at once`);
      }
      // Written whole or not at all: a half-written note would lose a running process.
      const note = { ...identity, startedAt: new Date().toISOString() };
      await writeFile(`${noteOf(id)}.new`, JSON.stringify(note), { mode: 0o600 });
      await rename(`${noteOf(id)}.new`, noteOf(id));
    },

    async inspect(id) {
      const note = await readNote(id);
      if (!note) return { state: 'absent' };
      if (await isRunning(note))
        return { state: 'active', since: new Date(note.startedAt), detail: `process ${note.pid}` };
      return { state: 'lost', reason: `The process ${note.pid} has ended` };
    },

    async release(id, signal) {
      const note = await readNote(id);
      if (!note) return;
      if (await isRunning(note)) {
        process.kill(note.pid, 'SIGTERM');
        await untilGone(note, settings.stopMs, signal);
      }
      if (await isRunning(note)) {
        // Its own group: the agent's children must not outlive it either.
        process.kill(-note.pid, 'SIGKILL');
        await untilGone(note, settings.stopMs, signal);
      }
      await rm(noteOf(id), { force: true });
    },

    async list() {
      const entries = await readdir(settings.nodesDir).catch(() => []);
      const ids = entries.flatMap((entry) => nodeIdSchema.safeParse(entry).data ?? []);
      const noted = await Promise.all(ids.map(async (id) => ((await readNote(id)) ? [id] : [])));
      return noted.flat();
    },
  };
}

async function untilGone(note: Note, limitMs: number, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (Date.now() < deadline && (await isRunning(note))) await delay(pollMs, undefined, { signal });
}
