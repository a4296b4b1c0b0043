import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { backoffMs } from '@medusa/kernel';

type Options = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly stopSignal?: NodeJS.Signals;
  /** How long a stop may take before the process is killed. */
  readonly graceMs?: number;
  /** Told of every end that nobody asked for. */
  readonly onCrash?: (what: string) => void;
};

/** A program that is kept running: one that ends unasked is started again, at growing distances. */
export type SupervisedProcess = AsyncDisposable & {
  /** Undefined between an end and the next start. */
  readonly pid: number | undefined;
  close(): Promise<void>;
};

/** A run this long counts as healthy: the next end is again a first one. */
const healthyMs = 30_000;

export function startSupervised(options: Options): SupervisedProcess {
  let child: ChildProcess | undefined;
  let restart: NodeJS.Timeout | undefined;
  let closing: Promise<void> | undefined;
  let attempt = 0;

  const start = (): void => {
    const log = openSync(options.logFile, 'a', 0o600);
    // setpriv makes the kernel end the child when this process dies, however it dies.
    const died = options.stopSignal ?? 'SIGTERM';
    child = spawn('setpriv', ['--pdeathsig', died.slice(3), '--', options.command, ...options.args], {
      env: options.environment,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const startedAt = Date.now();
    const ended = (what: string): void => {
      child = undefined;
      if (closing) return;
      attempt = Date.now() - startedAt > healthyMs ? 0 : attempt + 1;
      options.onCrash?.(`${options.name} ${what}; see ${options.logFile}`);
      restart = setTimeout(start, backoffMs(attempt, Math.random(), { firstMs: 200, mostMs: 10_000 }));
    };
    child.once('error', (error) => ended(`could not be started (${error.message})`));
    child.once('exit', (code, signal) => ended(`ended with ${signal ?? String(code)}`));
  };

  const close = async (): Promise<void> => {
    clearTimeout(restart);
    const running = child;
    if (running?.exitCode !== null || running.signalCode !== null) return;
    const exited = new Promise((resolve) => running.once('exit', resolve));
    running.kill(options.stopSignal ?? 'SIGTERM');
    const kill = setTimeout(() => running.kill('SIGKILL'), options.graceMs ?? 15_000);
    await exited;
    clearTimeout(kill);
  };

  start();
  return {
    get pid() {
      return child?.pid;
    },
    async close() {
      closing ??= close();
      return closing;
    },
    async [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}
