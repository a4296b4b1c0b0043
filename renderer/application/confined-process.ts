import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

const mostOutputBytes = 4_000;
/** bubblewrap tells of its first process in a few milliseconds, on a machine that is very busy in more. */
const mostSetUpMs = 5_000;

/** One run of a sandbox. `exited` resolves when every process in it is gone. */
export class ConfinedProcess {
  readonly exited: Promise<number>;
  readonly #outer: ChildProcess;
  /** Of the sandbox's first process, once bubblewrap has told it; undefined when it ended without. */
  readonly #firstPid: Promise<number | undefined>;
  #output = '';

  constructor(command: readonly string[]) {
    const [program = '', ...rest] = command;
    this.#outer = spawn(program, rest, {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: { PATH: '/usr/bin:/bin' },
    });
    for (const stream of [this.#outer.stdout, this.#outer.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-mostOutputBytes);
      });
    let status = '';
    const first = Promise.withResolvers<number | undefined>();
    this.#firstPid = first.promise;
    (this.#outer.stdio[3] as Readable).on('data', (chunk: Buffer) => {
      // bubblewrap's JSON comes in pieces that break where they like.
      status += chunk.toString();
      const pid = readPid(status);
      if (pid !== undefined) first.resolve(pid);
    });
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#outer.once('error', () => resolve(127));
    this.#outer.once('exit', (code) => resolve(code ?? 128));
    this.exited = promise;
    void promise.then(() => first.resolve(undefined));
  }

  /** The end of what the sandbox printed: for the operator, never for the wire. */
  get output(): string {
    return this.#output;
  }

  async kill(): Promise<void> {
    if (!this.#isOver()) {
      // The kernel ends all processes of a PID namespace with its first, and only then lets bubblewrap go. Were bubblewrap killed
      // before it has told of that process, it would stay and wait for bubblewrap for ever.
      const firstPid = await Promise.race([this.#firstPid, delay(mostSetUpMs, undefined, { ref: false })]);
      if (firstPid !== undefined) killIfThere(firstPid);
      else if (!this.#isOver()) this.#outer.kill('SIGKILL');
    }
    await this.exited;
  }

  #isOver(): boolean {
    return this.#outer.exitCode !== null || this.#outer.signalCode !== null;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function readPid(status: string): number | undefined {
  const pid = /"child-pid"\s*:\s*(\d+)\D/.exec(status)?.[1];
  return pid === undefined ? undefined : Number(pid);
}
