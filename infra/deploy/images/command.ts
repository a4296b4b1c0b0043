import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

const mostTailBytes = 4_000;

type CommandOptions = {
  readonly signal: AbortSignal;
  readonly environment?: Readonly<Record<string, string>>;
  /** Takes the standard output; else it is only kept for an error's text. */
  readonly output?: (stdout: Readable) => Promise<void>;
};

/** Runs a program to its end. @throws Error with the last lines it printed when it fails. */
export async function run(command: readonly [string, ...string[]], options: CommandOptions): Promise<void> {
  const { signal, environment, output } = options;
  const [program, ...args] = command;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', ...proxies(), ...environment },
  });
  let tail = '';
  const keep = (chunk: Buffer): void => {
    tail = (tail + chunk.toString()).slice(-mostTailBytes);
  };
  child.stderr.on('data', keep);
  // An abort is an error at once, but only when the program is gone its files can be dealt with.
  const closed = Promise.withResolvers<string | undefined>();
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  child.once('close', (code, killedBy) => {
    closed.resolve(
      code === 0 ? undefined : `${program} ended with ${code ?? killedBy ?? 'an error'}:\n${tail}`,
    );
  });
  const taken = output ? output(child.stdout) : Promise.resolve(void child.stdout.on('data', keep));
  const [fault] = await Promise.all([closed.promise, taken]);
  if (failure) throw failure;
  if (fault !== undefined) throw new Error(fault);
}

/** Debian's tools know the way out of a hospital's network by these. */
function proxies(): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'no_proxy'];
  // eslint-disable-next-line no-restricted-syntax -- the one thing that children inherit
  const inherited = names.map((name) => [name, process.env[name]] as const);
  return Object.fromEntries(
    inherited.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
