import { spawn } from 'node:child_process';
import { HostError } from './host-error.ts';

export type RunOptions = {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** 30 000 unless told; then it is killed. */
  readonly limitMs?: number;
};

/** Runs a program of the host to its end: an argument array, never a shell. */
export type Run = (program: string, args: readonly string[], options?: RunOptions) => Promise<string>;

/** @throws HostError `invalid` when it is not installed, `transient` with its own words when it fails. */
export const run: Run = async (program, args, { input = '', environment, limitMs = 30_000 } = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        LC_ALL: 'C',
        ...environment,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
    });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.once('error', (cause) => {
      reject(new HostError('invalid', `${program} cannot be run on this host`, { cause }));
    });
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else
        reject(
          new HostError(
            'transient',
            `${program} ${args.slice(0, 4).join(' ')}: ${errors.trim().slice(0, 500) || `ended with ${signal ?? String(code)}`}`,
          ),
        );
    });
    // A program that ends without reading says so by its exit code.
    child.stdin.on('error', () => undefined).end(input);
  });

/** Whether it succeeds, where a failure is an answer: is it there? */
export async function succeeds(
  program: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<boolean> {
  return run(program, args, options).then(
    () => true,
    () => false,
  );
}
