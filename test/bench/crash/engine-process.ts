import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import type { Provider } from './open-provider.ts';
import { startPostgresTap } from './postgres-tap.ts';

/** An engine in a process of its own, that can be killed at any step. */
export type EngineProcess = AsyncDisposable & {
  /** Connects to the database and begins to work. */
  start(): Promise<void>;
  /** From now on steps are counted; at the `target`-th it is killed with SIGKILL. */
  arm(target: number): void;
  /** Steps since it was armed, each with what it was. */
  readonly steps: readonly string[];
  /** Resolves with the step at which it was killed. */
  readonly killed: Promise<string>;
  readonly errors: readonly string[];
};

export async function launchEngine(
  databaseUrl: string,
  { provider, rollCallMs, cap }: { provider: Provider; rollCallMs: number; cap: number },
): Promise<EngineProcess> {
  const steps: string[] = [];
  const errors: string[] = [];
  let target = Number.POSITIVE_INFINITY;
  let isArmed = false;
  const died = Promise.withResolvers<string>();
  const never = new Promise<never>(() => undefined);

  /** False: it is dead. */
  const passes = (step: string): boolean => {
    if (child.killed) return false;
    if (!isArmed) return true;
    steps.push(step);
    if (steps.length < target) return true;
    child.kill('SIGKILL');
    tap.cut();
    child.once('exit', () => died.resolve(step));
    return false;
  };
  const tap = await startPostgresTap(databaseUrl, async (step) => (passes(step) ? undefined : never));
  const child: ChildProcess = spawn(process.execPath, [path.join(import.meta.dirname, 'worker.ts')], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    // Compiled once: a new process is ready in a fraction of the time.
    env: {
      NODE_COMPILE_CACHE: path.join(tmpdir(), 'medusa-bench-cache'),
      ...process.env,
      MEDUSA_BENCH_DIR: provider.dataDir,
    },
  });
  const gate = child.stdio[3] as Duplex;
  gate.on('error', () => undefined);
  createInterface({ input: gate })
    .on('line', (step) => {
      if (passes(step)) gate.write('.');
    })
    // It tells of its input's errors too: a killed engine resets its end.
    .on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  child.stderr?.on('data', (data: Buffer) => errors.push(data.toString('utf8').trim()));
  const told = createInterface({ input: child.stdout ?? process.stdin })[Symbol.asyncIterator]();
  const expectWord = async (word: string): Promise<void> => {
    const { value } = await told.next();
    if (value !== word) throw new Error(`The engine did not get ${word}: ${errors.join('\n')}`);
  };
  await expectWord('loaded');
  return {
    steps,
    errors,
    killed: died.promise,
    async start() {
      child.stdin?.write(`${JSON.stringify({ databaseUrl: tap.url, provider, rollCallMs, cap })}\n`);
      await expectWord('started');
    },
    arm(wanted) {
      steps.length = 0;
      target = wanted;
      isArmed = true;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        const exit = once(child, 'exit');
        child.kill('SIGKILL');
        await exit;
      }
      await tap[Symbol.asyncDispose]();
    },
  };
}
