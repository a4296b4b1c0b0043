import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openBucket, type BucketSettings } from '@medusa/infra/storage/buckets';
import { describeBucket, type BucketUnderTest } from '@medusa/infra/storage/buckets/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForSwift, startSwift, type SwiftCluster } from './swift-cluster.ts';

const missing = missingForSwift();
const container = `medusa-${randomBytes(4).toString('hex')}`;
const nobody = 'http://127.0.0.1:1';
const never = new AbortController().signal;
const objectBytes = 200_000;
const partBytes = 5 * 2 ** 20;

let cluster: SwiftCluster;
type Settings = (url: string) => BucketSettings;
const s3: Settings = (endpoint) => ({
  kind: 's3',
  endpoint,
  bucket: container,
  region: 'us-east-1',
  accessKeyId: cluster.user,
  secretAccessKey: cluster.key,
});
const swift: Settings = (url) => ({
  kind: 'swift',
  authUrl: `${url}/auth/v1.0`,
  container,
  user: cluster.user,
  secret: cluster.key,
  domain: 'Default',
});
/** What is longer than a part goes in parts. */
const cut =
  (settings: Settings): Settings =>
  (url) =>
    Object.assign(settings(url), { partBytes });
const under = (settings: Settings): BucketUnderTest => ({
  bucket: openBucket(settings(cluster.url)),
  unreachable: openBucket(settings(nobody)),
});

describe.skipIf(missing !== undefined)('Swift', () => {
  beforeAll(async () => {
    // No fewer: each of them has a copy of everything, and no other could take the place of one that is dead.
    cluster = await startSwift(3);
  });
  afterAll(async () => cluster[Symbol.asyncDispose]());

  describeBucket('Swift', () => under(swift));
  describeBucket("Swift's S3 API", () => under(s3));
  // Of two parts and some bytes, where one may have 16 MiB.
  const inParts = { usual: 10 * 2 ** 20 + 17, longest: 21 * 2 ** 20 };
  describeBucket('Swift in segments', () => under(cut(swift)), inParts);
  describeBucket("Swift's S3 API in parts", () => under(cut(s3)), inParts);

  it('leaves no segment of an object that is gone, or that did not arrive as it was sent', async () => {
    using bucket = openBucket(cut(swift)(cluster.url));
    const bytes = randomBytes(2 * partBytes + 1);
    const file = path.join(tmpdir(), `swift-segments-${randomBytes(4).toString('hex')}`);
    await writeFile(file, bytes);
    const digest = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex');
    const source = { path: file, bytes: bytes.length, sha256: digest('sha256'), md5: digest('md5') };
    const segments = async (name: string): Promise<number> => {
      const names: string[] = [];
      for await (const segment of bucket.list(`.segments/${name}/`, never)) names.push(segment.name);
      return names.length;
    };

    await bucket.put('segmented', source, never);
    expect(await segments('segmented')).toBe(3);
    await bucket.remove('segmented', never);
    expect(await segments('segmented')).toBe(0);

    const damaged = { ...source, sha256: createHash('sha256').update('other').digest('hex') };
    await expect(bucket.put('damaged', damaged, never)).rejects.toThrow('Other bytes arrived');
    expect(await segments('damaged')).toBe(0);
    await rm(file);
  });

  it.each([
    ['Swift', swift],
    ["Swift's S3 API", s3],
  ] as const)('%s says which object is too long for it, whatever is tried', async (_name, settings) => {
    using bucket = openBucket(settings(cluster.url));
    const file = path.join(tmpdir(), `swift-long-${randomBytes(4).toString('hex')}`);
    const bytes = randomBytes(20 * 2 ** 20);
    await writeFile(file, bytes);
    const digest = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex');
    const source = { path: file, bytes: bytes.length, sha256: digest('sha256'), md5: digest('md5') };

    await expect(bucket.put('long', source, never)).rejects.toThrow('too long');

    expect(await bucket.head('long', never)).toBeUndefined();
    await rm(file);
  });

  it.each([
    ['Swift', swift, 1],
    ["Swift's S3 API", s3, 2],
  ] as const)(
    '%s loses nothing and fails nowhere while one storage server of three dies',
    async (_name, settings, node) => {
      using bucket = openBucket(settings(cluster.url));
      const folder = await mkdtemp(path.join(tmpdir(), 'swift-objects-'));
      const objects: { name: string; bytes: Buffer; etag: string }[] = [];
      const failures: unknown[] = [];
      let reads = 0;
      const put = async (at: number): Promise<void> => {
        const bytes = randomBytes(objectBytes);
        const file = path.join(folder, String(at));
        await writeFile(file, bytes);
        const digest = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex');
        const source = { path: file, bytes: bytes.length, sha256: digest('sha256'), md5: digest('md5') };
        const name = `${node}/${at}`;
        objects.push({ name, bytes, ...(await bucket.put(name, source, never)) });
      };
      const read = async ({ name, bytes, etag }: (typeof objects)[number]): Promise<void> => {
        const chunks: Buffer[] = [];
        for await (const chunk of bucket.get(name, { extent: [0, objectBytes], etag }, never))
          chunks.push(chunk);
        expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
        reads += 1;
      };
      const kill = { at: 40, isDone: false };
      const lane = async (first: number): Promise<void> => {
        for (let at = first; at < 160; at += 6) {
          if (objects.length >= kill.at && !kill.isDone) {
            kill.isDone = true;
            cluster.killNode(node);
          }
          const older = objects[(at * 7) % Math.max(1, objects.length)];
          await Promise.all([put(at), older && read(older)]).catch((error: unknown) => failures.push(error));
        }
      };

      await Promise.all([0, 1, 2, 3, 4, 5].map(lane));
      for (const object of objects) await read(object).catch((error: unknown) => failures.push(error));

      expect(failures).toEqual([]);
      expect(kill.isDone).toBe(true);
      expect(objects).toHaveLength(160);
      process.stdout.write(
        `${JSON.stringify({ figure: 'one storage server of three killed', puts: 160, reads, failures: 0 })}\n`,
      );
      await rm(folder, { recursive: true });
      // One that has seen a server die asks it nothing for some seconds: for the next death there would be one too few. A new one asks all.
      await cluster.killProxy();
      await cluster.revive();
    },
  );
});
