import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { isProviderFault, ProviderError, type ProviderFault } from '../../port/index.ts';
import type { LibvirtSettings } from './settings.ts';

const timeoutMs = 120_000;
/** Bytes of a disk go through it. */
const transferTimeoutMs = 3_600_000;

type Call = {
  /** XML, which may hold what must not be in an argument: it is in a file while the call lasts. See `inputFile`. */
  readonly input?: string;
  readonly isChange?: boolean;
  readonly isTransfer?: boolean;
  readonly signal: AbortSignal;
};

/** libvirt's command line client: one process a call, arguments as they are, no shell. Answers what it printed. */
export type Virsh = (args: readonly string[], call: Call) => Promise<string>;

/** Stands for the file with `input` among the arguments. */
export const inputFile = '{input}';

export function openVirsh({ virsh, uri }: Pick<LibvirtSettings, 'virsh' | 'uri'>, home: string): Virsh {
  async function run(
    args: readonly string[],
    { isChange = false, isTransfer, signal }: Call,
  ): Promise<string> {
    signal.throwIfAborted();
    const child = spawn(virsh, ['--quiet', '--connect', uri, ...args], {
      // Its messages are read: they must be in the one language.
      env: { LC_ALL: 'C', PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: home },
      signal: AbortSignal.any([signal, AbortSignal.timeout(isTransfer ? transferTimeoutMs : timeoutMs)]),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { promise: ended, resolve, reject } = Promise.withResolvers<number | null>();
    child.once('error', reject).once('close', resolve);
    try {
      const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
      if (code === 0) return out;
      throw failureOf(err, isChange);
    } catch (cause) {
      throw cause instanceof ProviderError ? cause : noAnswer(cause, { virsh, isChange });
    }
  }

  return async (args, call) => {
    const { input } = call;
    if (input === undefined) return run(args, call);
    const folder = await mkdtemp(path.join(home, 'virsh-'));
    try {
      const file = path.join(folder, 'input.xml');
      await writeFile(file, input, { mode: 0o600 });
      return await run(
        args.map((arg) => (arg === inputFile ? file : arg)),
        call,
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

function noAnswer(cause: unknown, { virsh, isChange }: { virsh: string; isChange: boolean }): ProviderError {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')
    return new ProviderError('invalid', `There is no program ${virsh}`, { cause });
  return new ProviderError(isChange ? 'unknown-outcome' : 'transient', 'virsh gave no answer', { cause });
}

/** libvirt's errors have no numbers here: its texts are told apart (src/util/virerror.c). */
const words: readonly (readonly [RegExp, ProviderFault])[] = [
  [/exists already|already exists|already active|already in use|is in use|already defined/i, 'conflict'],
  [
    /failed to get (domain|vol|network|pool)|not found|no (domain|network|storage vol|storage pool)/i,
    'not-found',
  ],
  [/authentication|permission denied|access denied|not authorized/i, 'auth'],
  [/no space left|cannot allocate memory|insufficient/i, 'capacity'],
  [/failed to connect|unable to connect|cannot connect|connection refused/i, 'transient'],
  [/xml error|unsupported configuration|invalid argument|unknown .* type/i, 'invalid'],
  [/operation is not valid|not running|not active/i, 'conflict'],
];

/** The connection may have broken after the call was sent. */
const broken = /end of file|connection (reset|closed)|client socket is closed|timed out/i;

function failureOf(stderr: string, isChange: boolean): ProviderError {
  const message = stderr
    .split('\n')
    .map((line) => line.replace(/^error: /, '').trim())
    .filter((line) => line !== '')
    .join('; ');
  const lost = isChange && broken.test(message) ? 'unknown-outcome' : 'transient';
  const fault = words.find(([pattern]) => pattern.test(message))?.[1] ?? lost;
  return new ProviderError(fault, `libvirt: ${message.slice(0, 500)}`);
}

/** `undefined` when it is not there. */
export async function found(call: Promise<string>): Promise<string | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isProviderFault(error, 'not-found')) return undefined;
    throw error;
  }
}

/** Waits for a call and lets faults pass that mean it was not needed. */
export async function ignoring(faults: readonly ProviderFault[], call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!isProviderFault(error, ...faults)) throw error;
  });
}

/** The lines of a list that virsh printed. */
export function linesOf(printed: string): readonly string[] {
  return printed
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
