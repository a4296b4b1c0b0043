import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '@medusa/protocol';
import { DamagedCopy, type Bucket, type BucketSource } from './bucket.ts';
import { readFileExtents, syncDirectory } from '../file-store.ts';
import { unreachable } from './http-client.ts';

/** Objects as files of a folder that lies elsewhere: a network file system, another disk. */
export function openFolderBucket(folder: string): Bucket {
  const placeOf = (name: string): string => join(folder, name);

  return {
    async put(name, source, signal) {
      const place = placeOf(name);
      // What a crash leaves of it is overwritten when the object is put again.
      const temporary = `${place}.part`;
      try {
        await mkdir(dirname(place), { recursive: true, mode: 0o700 });
        await copy(source, temporary, signal);
        await rename(temporary, place);
        await syncDirectory(dirname(place));
        return { etag: '' };
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => undefined);
        throw explained(error);
      }
    },
    async head(name) {
      try {
        return { bytes: (await stat(placeOf(name))).size, etag: '' };
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw explained(error);
      }
    },
    async *get(name, { extent }, signal) {
      try {
        const { size } = await stat(placeOf(name));
        if (extent[0] + extent[1] > size) throw new DamagedCopy('The file is shorter than it should be');
        for await (const chunk of readFileExtents(placeOf(name), [extent])) {
          signal.throwIfAborted();
          yield chunk;
        }
      } catch (error) {
        if (isMissing(error)) throw new AppError('object.unknown', 'The object is not in the folder');
        throw explained(error);
      }
    },
    async remove(name) {
      await rm(placeOf(name), { force: true }).catch((error: unknown) => {
        throw explained(error);
      });
    },
    async *list(prefix) {
      const slash = prefix.lastIndexOf('/') + 1;
      const place = join(folder, prefix.slice(0, slash));
      const found = await readdir(place, { recursive: true }).catch((error: unknown) => {
        if (isMissing(error)) return [];
        throw explained(error);
      });
      for (const below of found) {
        const name = `${prefix.slice(0, slash)}${below}`;
        const file = await stat(placeOf(name)).catch(() => undefined);
        if (name.startsWith(prefix) && !name.endsWith('.part') && file?.isFile())
          yield { name, bytes: file.size, etag: '' };
      }
    },
    [Symbol.dispose]: () => undefined,
  };
}

async function copy({ path, bytes, sha256 }: BucketSource, to: string, signal: AbortSignal): Promise<void> {
  const hash = createHash('sha256');
  await using file = await open(to, 'w', 0o600);
  for await (const chunk of readFileExtents(path, [[0, bytes]])) {
    signal.throwIfAborted();
    hash.update(chunk);
    await file.writeFile(chunk);
  }
  await file.sync();
  if (hash.digest('hex') !== sha256) throw new DamagedCopy('Other bytes arrived than were sent');
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function explained(error: unknown): unknown {
  if (error instanceof AppError || error instanceof DamagedCopy) return error;
  return unreachable('The folder for objects cannot be used', error);
}
