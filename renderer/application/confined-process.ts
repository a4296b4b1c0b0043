import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

const mostOutputBytes = 4_000;

/** One run of a sandbox. `exited` resolves when every process in it is gone. */
export class ConfinedProcess {
  readonly exited: Promise<number>;
  readonly #outer: ChildProcess;
  #firstPid: number | undefined;
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
    (this.#outer.stdio[3] as Readable).on('data', (chunk: Buffer) => {
      // bubblewrap's JSON comes in pieces that break where they like.
      status += chunk.toString();
      this.#firstPid ??= readPid(status);
    });
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#outer.once('error', () => resolve(127));
    this.#outer.once('exit', (code) => resolve(code ?? 128));
    this.exited = promise;
  }

  /** The end of what the sandbox printed: for the operator, never for the wire. */
  get output(): string {
    return this.#output;
  }

  async kill(): Promise<void> {
    if (this.#outer.exitCode === null && this.#outer.signalCode === null) {
      // The kernel ends all processes of a PID namespace with its first, and only then lets bubblewrap go.
      if (this.#firstPid === undefined) this.#outer.kill('SIGKILL');
      else process.kill(this.#firstPid, 'SIGKILL');
    }
    await this.exited;
  }
}

function readPid(status: string): number | undefined {
  const pid = /"child-pid"\s*:\s*(\d+)\D/.exec(status)?.[1];
  return pid === undefined ? undefined : Number(pid);
}
