import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Transform, type Readable } from 'node:stream';
import { run } from './command.ts';

/** Devices are the machine's own, and a container may not make any. */
const left = ['--exclude=./dev/*', '--exclude=./proc/*', '--exclude=./sys/*'];

/** The folders, one over the other, as a root file system: https://documentation.ubuntu.com/lxd/en/latest/reference/image_format/ */
export async function writeRootfsTar(
  folders: readonly string[],
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const compress = ['--use-compress-program=zstd -3 -T0'];
  await run(['tar', ...compress, ...left, '--numeric-owner', '-cf', file, ...within(folders)], { signal });
}

/** One folder as a layer of an OCI image: an uncompressed tar archive. Answers its SHA-256 and size. */
export async function writeLayerTar(
  folder: string,
  file: string,
  signal: AbortSignal,
): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      done(null, chunk);
    },
  });
  const output = async (stdout: Readable): Promise<void> =>
    pipeline(stdout, measure, createWriteStream(file), { signal });
  await run(['tar', ...left, '--numeric-owner', '-cf', '-', ...within([folder])], { signal, output });
  return { sha256: hash.digest('hex'), bytes };
}

function within(folders: readonly string[]): string[] {
  return folders.flatMap((folder) => ['-C', folder, '.']);
}
