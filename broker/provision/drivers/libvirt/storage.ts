import { mkdtemp, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { ProviderError, type Operation } from '../../port/index.ts';
import { readXml } from '../xml/document.ts';
import type { LibvirtImage, LibvirtSettings } from './settings.ts';
import { found, ignoring, linesOf, type Virsh } from './virsh.ts';
import { parsed } from './xml.ts';

const poolSchema = z.object({ pool: z.object({ target: z.object({ path: z.string() }) }) });
const volumeSchema = z.object({
  volume: z.object({
    capacity: z.object({ '#text': z.coerce.number() }),
    target: z.object({ format: z.object({ '@type': z.string() }) }),
  }),
});

/** The files of a storage pool, through libvirt: the hypervisor may be another machine. */
export type Storage = {
  directory(signal: AbortSignal): Promise<string>;
  names(signal: AbortSignal): Promise<readonly string[]>;
  find(volume: string, signal: AbortSignal): Promise<{ bytes: number; format: string } | undefined>;
  /** An empty disk. Exists: succeeds. */
  create(volume: string, sizeGiB: number, operation: Operation): Promise<void>;
  /** A disk that shows the image until it is written to. Exists: succeeds. */
  layer(
    volume: string,
    image: Extract<LibvirtImage, { kind: 'volume' }>,
    operation: Operation,
  ): Promise<void>;
  /** A whole copy under another name. */
  copy(from: string, to: string, operation: Operation): Promise<void>;
  /** Writes a file's bytes into a volume, made when it is not there. */
  upload(volume: string, file: string, operation: Operation): Promise<void>;
  /** Puts the bytes of one volume into another that is there. */
  overwrite(from: string, to: string, options: { dataDir: string; operation: Operation }): Promise<void>;
  tail(volume: string, options: { bytes: number; dataDir: string }, signal: AbortSignal): Promise<string>;
  remove(volume: string, operation: Operation): Promise<void>;
  /** An image among the volumes; see `images.ts`. */
  imageOf(ref: string, signal: AbortSignal): Promise<LibvirtImage | undefined>;
};

export function openStorage(
  virsh: Virsh,
  { storagePool: pool }: Pick<LibvirtSettings, 'storagePool'>,
  readImage: (ref: string) => LibvirtImage | undefined,
): Storage {
  const change = async (args: readonly string[], { signal }: Operation): Promise<string> =>
    virsh(args, { isChange: true, signal });
  const transfer = async (args: readonly string[], { signal }: Operation): Promise<string> =>
    virsh(args, { isChange: true, isTransfer: true, signal });

  /** libvirt does not see by itself what a guest's console has begun to write. */
  const refresh = async (signal: AbortSignal): Promise<void> =>
    ignoring(['transient'], virsh(['pool-refresh', pool], { signal }));

  async function find(
    volume: string,
    signal: AbortSignal,
  ): Promise<{ bytes: number; format: string } | undefined> {
    const text = await found(virsh(['vol-dumpxml', '--pool', pool, volume], { signal }));
    if (text === undefined) return undefined;
    const { capacity, target } = parsed(volumeSchema, readXml(text)).volume;
    return { bytes: capacity['#text'], format: target.format['@type'] };
  }

  async function fetchInto(volume: string, file: string, signal: AbortSignal): Promise<boolean> {
    const args = ['vol-download', '--pool', pool, volume, file];
    return (await found(virsh(args, { isTransfer: true, signal }))) !== undefined;
  }

  async function withFolder<T>(dataDir: string, use: (folder: string) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(path.join(dataDir, 'volume-'));
    try {
      return await use(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  return {
    find,

    async directory(signal) {
      const text = await virsh(['pool-dumpxml', pool], { signal });
      return parsed(poolSchema, readXml(text)).pool.target.path;
    },

    async names(signal) {
      return linesOf(await virsh(['vol-list', pool], { signal })).map((line) => line.split(/\s+/)[0] ?? '');
    },

    async create(volume, sizeGiB, operation) {
      const args = ['vol-create-as', pool, volume, `${sizeGiB}GiB`, '--format', 'qcow2'];
      await ignoring(['conflict'], change(args, operation));
    },

    async layer(volume, image, operation) {
      const below = await find(image.volume, operation.signal);
      if (!below) throw new ProviderError('invalid', `There is no volume ${image.volume}`);
      const backing = ['--backing-vol', image.volume, '--backing-vol-format', image.format];
      const args = ['vol-create-as', pool, volume, String(below.bytes), '--format', 'qcow2', ...backing];
      await ignoring(['conflict'], change(args, operation));
    },

    async copy(from, to, operation) {
      await transfer(['vol-clone', '--pool', pool, from, to], operation);
    },

    async upload(volume, file, operation) {
      const make = ['vol-create-as', pool, volume, '1', '--format', 'raw'];
      await ignoring(['conflict'], change(make, operation));
      await transfer(['vol-upload', '--pool', pool, volume, file], operation);
    },

    async overwrite(from, to, { dataDir, operation }) {
      await withFolder(dataDir, async (folder) => {
        const file = path.join(folder, 'content');
        if (!(await fetchInto(from, file, operation.signal)))
          throw new ProviderError('not-found', `There is no volume ${from}`);
        await transfer(['vol-upload', '--pool', pool, to, file], operation);
      });
    },

    async tail(volume, { bytes, dataDir }, signal) {
      await refresh(signal);
      return withFolder(dataDir, async (folder) => {
        const file = path.join(folder, 'content');
        return (await fetchInto(volume, file, signal)) ? lastOf(file, bytes) : '';
      });
    },

    async remove(volume, operation) {
      await refresh(operation.signal);
      await ignoring(['not-found'], change(['vol-delete', '--pool', pool, volume], operation));
    },

    async imageOf(ref, signal) {
      const image = readImage(ref);
      return image?.kind === 'volume' && (await find(image.volume, signal)) ? image : undefined;
    },
  };
}

/** Begins with a whole character (UTF-8: a byte 10xxxxxx goes on with one). */
async function lastOf(file: string, bytes: number): Promise<string> {
  await using handle = await open(file);
  const { size } = await handle.stat();
  const { buffer } = await handle.read(Buffer.alloc(Math.min(size, bytes)), {
    position: Math.max(0, size - bytes),
  });
  let start = 0;
  while (size > bytes && ((buffer[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return buffer.subarray(start).toString('utf8');
}
