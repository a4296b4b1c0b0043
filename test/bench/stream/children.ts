import { spawn, type ChildProcess } from 'node:child_process';

/** A program that is ended with its owner, by its own process id. */
export type Child = AsyncDisposable & {
  readonly process: ChildProcess;
  readonly pid: number;
  output(): string;
};

export async function startChild(
  [program, ...args]: readonly [string, ...string[]],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<Child> {
  // In a group of its own: Ctrl-C at the terminal is ours to pass on, in the right order.
  const child = spawn(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe', 'pipe'], detached: true });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  let output = '';
  const listen = (chunk: Buffer): void => void (output = (output + chunk.toString('latin1')).slice(-4_000));
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  return {
    process: child,
    pid: child.pid ?? 0,
    output: () => output,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const overdue = setTimeout(() => child.kill('SIGKILL'), 8_000);
      await exited;
      clearTimeout(overdue);
    },
  };
}

/** What the program writes to its file descriptor 3 up to the end of a line, as X servers tell their display's number. */
export async function readDisplayName(child: Child): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let told = '';
  child.process.stdio[3]?.on('data', (chunk: Buffer) => {
    told += chunk.toString();
    if (told.includes('\n')) resolve(`:${Number.parseInt(told, 10)}`);
  });
  child.process.once('exit', () => reject(new Error(`It ended without a display: ${child.output()}`)));
  return promise;
}
