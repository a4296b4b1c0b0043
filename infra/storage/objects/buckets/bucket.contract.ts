import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket, BucketSource } from './bucket.ts';

export type BucketUnderTest = {
  readonly bucket: Bucket;
  /** One that nobody answers for. */
  readonly unreachable: Bucket;
};

const never = new AbortController().signal;

/** What every place for objects must do, asked of the real one. */
export function describeBucket(
  name: string,
  open: () => BucketUnderTest | Promise<BucketUnderTest>,
  {
    usual = 20_000,
    longest = 3 * 1024 * 1024 + 17,
  }: { readonly usual?: number; readonly longest?: number } = {},
): void {
  describe(`${name} as a place for objects`, () => {
    let folder: string;
    let place: BucketUnderTest;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'bucket-contract-'));
      place = await open();
    });
    afterAll(async () => {
      place.bucket[Symbol.dispose]();
      place.unreachable[Symbol.dispose]();
      await rm(folder, { recursive: true });
    });

    const sourceOf = async (bytes: Buffer): Promise<BucketSource> => {
      const path = join(folder, randomBytes(8).toString('hex'));
      await writeFile(path, bytes);
      const digest = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex');
      return { path, bytes: bytes.length, sha256: digest('sha256'), md5: digest('md5') };
    };
    const fresh = (): string => `contract/${randomBytes(8).toString('hex')}.dcm`;
    const read = async (object: string, [start, length]: [number, number], etag: string): Promise<Buffer> => {
      const chunks: Buffer[] = [];
      for await (const chunk of place.bucket.get(object, { extent: [start, length], etag }, never))
        chunks.push(chunk);
      return Buffer.concat(chunks);
    };

    it.each([1, 4_096, usual, longest])(
      'gives back what was put, whole and in parts (%i bytes)',
      async (size) => {
        const object = fresh();
        const bytes = randomBytes(size);

        const { etag } = await place.bucket.put(object, await sourceOf(bytes), never);

        expect(await place.bucket.head(object, never)).toEqual({ bytes: size, etag });
        expect((await read(object, [0, size], etag)).equals(bytes)).toBe(true);
        const middle = Math.floor(size / 2);
        expect((await read(object, [middle, size - middle], etag)).equals(bytes.subarray(middle))).toBe(true);
        expect((await read(object, [middle, 1], etag)).equals(bytes.subarray(middle, middle + 1))).toBe(true);
      },
    );

    it('replaces an object as a whole', async () => {
      const object = fresh();
      const [first, second] = [randomBytes(10_000), randomBytes(usual)];
      await place.bucket.put(object, await sourceOf(first), never);

      const { etag } = await place.bucket.put(object, await sourceOf(second), never);

      expect((await read(object, [0, usual], etag)).equals(second)).toBe(true);
      await place.bucket.put(object, await sourceOf(first), never);
      expect(await place.bucket.head(object, never)).toMatchObject({ bytes: first.length });
    });

    it('tells what is not there, and takes it away twice', async () => {
      const object = fresh();
      await place.bucket.put(object, await sourceOf(randomBytes(usual)), never);

      await place.bucket.remove(object, never);
      await place.bucket.remove(object, never);

      expect(await place.bucket.head(object, never)).toBeUndefined();
      await expect(read(object, [0, 100], '')).rejects.toMatchObject({ code: 'object.unknown' });
    });

    it('keeps nothing of what does not arrive as it was sent', async () => {
      const object = fresh();
      const source = await sourceOf(randomBytes(usual));
      const other = createHash('sha256').update('other').digest('hex');
      const damaged = { ...source, sha256: other, md5: other.slice(0, 32) };

      await expect(place.bucket.put(object, damaged, never)).rejects.toThrow('Other bytes arrived');

      expect(await place.bucket.head(object, never)).toBeUndefined();
    });

    it('gives no byte beyond the end, and none of an object that another took the place of', async () => {
      const object = fresh();
      const { etag } = await place.bucket.put(object, await sourceOf(randomBytes(1_000)), never);

      await expect(read(object, [1_000, 1], etag)).rejects.toThrow();
      await expect(read(object, [500, 501], etag)).rejects.toThrow();
      if (etag === '') return;
      await place.bucket.put(object, await sourceOf(randomBytes(1_000)), never);
      await expect(read(object, [0, 1_000], etag)).rejects.toThrow('Other bytes lie');
    });

    it('leaves nothing of an upload that is given up', async () => {
      const object = fresh();
      const ending = new AbortController();
      const source = await sourceOf(randomBytes(Math.max(usual, 8 * 1024 * 1024)));
      const putting = place.bucket.put(object, source, ending.signal);
      ending.abort();

      await expect(putting).rejects.toThrow();

      expect(await place.bucket.head(object, never)).toBeUndefined();
    });

    it('takes many at once', async () => {
      const objects = await Promise.all(
        Array.from({ length: 24 }, async () => ({ object: fresh(), bytes: randomBytes(30_000) })),
      );
      const put = await Promise.all(
        objects.map(async ({ object, bytes }) => place.bucket.put(object, await sourceOf(bytes), never)),
      );
      const back = await Promise.all(
        objects.map(async ({ object }, at) => read(object, [0, 30_000], put[at]?.etag ?? '')),
      );

      expect(back.every((bytes, at) => objects[at]?.bytes.equals(bytes))).toBe(true);
    });

    it('lists what lies there, page by page', async () => {
      const prefix = `list-${randomBytes(4).toString('hex')}/`;
      const sizes = [1, 20, 300, usual];
      const named = sizes.map((size) => ({ name: `${prefix}${size}.dcm`, bytes: size }));
      const put = await Promise.all(
        named.map(async ({ name, bytes }) =>
          place.bucket.put(name, await sourceOf(randomBytes(bytes)), never),
        ),
      );

      const listed = [];
      for await (const object of place.bucket.list(prefix, never)) listed.push(object);
      const nothing = await place.bucket.list(`${prefix}none/`, never).next();

      expect(listed.sort((one, other) => one.bytes - other.bytes)).toEqual(
        named.map((object, at) => ({ ...object, etag: put[at]?.etag })),
      );
      expect(nothing.done).toBe(true);
    });

    it('says that it cannot be reached', async () => {
      const source = await sourceOf(randomBytes(100));
      const { unreachable } = place;
      const put = unreachable.put('object', source, never);
      await expect(put).rejects.toMatchObject({ code: 'storage.unreachable' });
      const got = unreachable.get('object', { extent: [0, 1], etag: '' }, never).next();
      await expect(got).rejects.toMatchObject({ code: 'storage.unreachable' });
    });
  });
}
