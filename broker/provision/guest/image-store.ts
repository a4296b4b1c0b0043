import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ImageSpec } from '@medusa/protocol';
import type { Logger } from 'pino';
import { z } from 'zod';
import { ProviderError } from '../port/index.ts';

export type ImageFile = { readonly file: string; readonly contentHash: string };
export type ImageStore = (spec: ImageSpec, signal: AbortSignal) => Promise<ImageFile>;

const builtSchema = z.object({ file: z.string(), contentHash: z.string() });
const mostErrorLines = 8;

/**
 * The files of guest images. They are built by a program of their own (`infra/deploy/images/main.ts build`), which takes
 * minutes the first time and needs root, and answers at once when nothing has changed.
 * The store throws ProviderError `invalid` with the program's last words when it fails.
 */
export function openImageStore(options: {
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  readonly log: Logger;
}): ImageStore {
  const { command, environment, log } = options;
  return async ({ role, architecture, format }, signal) => {
    const [program, ...args] = command;
    const what = ['build', '--role', role, '--architecture', architecture, '--format', format];
    const child = spawn(program, [...args, ...what], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment,
      signal,
    });
    let answer = '';
    child.stdout.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    const said: string[] = [];
    createInterface(child.stderr).on('line', (line) => {
      log.info({ role, format, line: line.trim() }, 'building a guest image');
      said.splice(0, said.length, ...[...said, line].slice(-mostErrorLines));
    });
    // Told at once when it is aborted or cannot be started; what it builds is its own until it has ended.
    let failure: Error | undefined;
    child.once('error', (error) => (failure = error));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    if (failure) throw failure;
    if (code !== 0)
      throw new ProviderError('invalid', `The ${role} image could not be built: ${said.join('\n')}`);
    return builtSchema.parse(JSON.parse(answer));
  };
}
