import { open, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '@medusa/kernel/free-ports';
import { dcmtk } from '../testing/dcmtk.ts';
import { filesOf, readDicomFile, splitFile, type DicomFile } from '../testing/files.ts';
import { objectsIn, startStorescp } from '../testing/peers.ts';
import { store } from '../testing/scu.ts';
import { partsOf, startTestNode, type HttpAnswer, type TestNode } from '../testing/test-node.ts';

/** Nothing stays on the disk that is elsewhere too. */
const nothingHot = { hotGiB: 1e-9 };
const second = 1 / (24 * 60 * 60);
const patience = { timeout: 20_000, interval: 50 };

describe('objects in two places', () => {
  let bucket: string;
  let storage: TestNode | undefined;
  let slices: DicomFile[];
  beforeEach(async () => {
    bucket = await mkdtemp(join(tmpdir(), 'tier-bucket-'));
    slices = await Promise.all((await filesOf('ct-chest')).slice(0, 6).map(readDicomFile));
  });
  afterEach(async () => {
    await storage?.[Symbol.asyncDispose]();
    await rm(bucket, { recursive: true, force: true });
  });

  const start = async (settings: object = {}): Promise<TestNode> =>
    (storage = await startTestNode({ objects: 'folder', objectsUrl: bucket, scrubDays: 0, ...settings }));
  const sendAll = async (node: TestNode, objects: readonly DicomFile[]): Promise<void> => {
    for (const { meta, dataSet } of objects)
      expect(await store(node.node.dicomPort, { ...meta, dataSet })).toBe(0);
  };
  const meter = async (node: TestNode, name: string): Promise<number> => {
    const text = (await node.ask('/metrics', { token: null })).body.toString();
    const line = text.split('\n').find((one) => one.startsWith(`medusa_storage_${name} `));
    return Number(line?.split(' ')[1]);
  };
  const filesIn = async (folder: string): Promise<string[]> =>
    (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.dcm'));
  const hot = async (node: TestNode): Promise<string[]> => filesIn(join(node.directory, 'objects'));
  const allMoved = async (node: TestNode, count: number): Promise<void> =>
    expect.poll(async () => meter(node, 'object_store_objects'), patience).toBe(count);
  const allGivenUp = async (node: TestNode): Promise<void> =>
    expect.poll(async () => hot(node), patience).toEqual([]);
  const pathOf = async (node: TestNode, { meta }: DicomFile): Promise<string> => {
    const found = await node.ask(`/dicomweb/instances?SOPInstanceUID=${meta.sopInstanceUID}`);
    const [row] = JSON.parse(found.body.toString()) as Record<string, { Value: string[] }>[];
    return new URL(row?.['00081190']?.Value[0] ?? '').pathname;
  };
  const dataSetOf = (answer: HttpAnswer): Buffer =>
    splitFile(partsOf(answer)[0]?.bytes ?? Buffer.alloc(0)).dataSet;
  const expectServed = async (node: TestNode, objects: readonly DicomFile[]): Promise<void> => {
    for (const object of objects)
      expect(dataSetOf(await node.ask(await pathOf(node, object))).equals(object.dataSet)).toBe(true);
  };
  const flip = async (path: string, at: number): Promise<void> => {
    await using file = await open(path, 'r+');
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
    await file.write(Buffer.of((buffer[0] ?? 0) ^ 1), 0, 1, at);
  };

  it('puts what comes in into the object store, and gives it up here as far as it must', async () => {
    const node = await start(nothingHot);

    await sendAll(node, slices);

    await allMoved(node, slices.length);
    await allGivenUp(node);
    expect(await filesIn(bucket)).toHaveLength(slices.length);
    expect(await meter(node, 'spool_objects')).toBe(0);
    expect(await meter(node, 'hot_bytes')).toBe(0);
  });

  it('serves what lies elsewhere as what lies here, and as it came, also after a restart', async () => {
    await using near = await startTestNode();
    const node = await start(nothingHot);
    const [object] = slices as [DicomFile];
    await sendAll(near, [object]);
    await sendAll(node, slices);
    await allMoved(node, slices.length);
    await allGivenUp(node);
    await node.restart();
    const path = await pathOf(node, object);
    const octets = { accept: 'multipart/related; type="application/octet-stream"; transfer-syntax=*' };
    const asked: [string, Record<string, string>][] = [
      [`${path}/frames/1`, octets],
      [`${path}/frames/1`, { accept: 'application/octet-stream' }],
      [`${path}/rendered`, { accept: 'image/png' }],
      [`${path}/bulkdata/7FE00010`, { accept: 'application/octet-stream', range: 'bytes=1000-1999' }],
      [path, { accept: 'application/dicom', range: 'bytes=100-399' }],
    ];

    await expectServed(node, slices);
    for (const [address, headers] of asked) {
      const [here, there] = [await near.ask(address, { headers }), await node.ask(address, { headers })];
      expect(there.status).toBe(here.status);
      const bodies = [here, there].map((answer) =>
        String(answer.headers['content-type']).startsWith('multipart')
          ? partsOf(answer)[0]?.bytes
          : answer.body,
      );
      expect(bodies[1]?.equals(bodies[0] ?? Buffer.alloc(0))).toBe(true);
    }

    // None of it brought an object back.
    expect(await hot(node)).toEqual([]);
    expect(await readdir(join(node.directory, 'incoming'))).toEqual([]);
  });

  it('sends what lies elsewhere over DICOM', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tier-sink-'));
    const port = await freePort();
    const registry = join(folder, 'registry.json');
    const entities = {
      SINK: { host: '127.0.0.1', port, tls: 'off' },
      READER: { tls: 'off', may: ['query', 'retrieve'] },
    };
    await writeFile(registry, JSON.stringify({ entities }));
    const node = await start({ ...nothingHot, registry });
    await sendAll(node, slices);
    await allMoved(node, slices.length);
    await allGivenUp(node);
    await using sink = await startStorescp(port, '+xa');
    const study = /studies\/([^/]+)/.exec(await pathOf(node, (slices as [DicomFile])[0]))?.[1] ?? '';
    const keys = ['-k', 'QueryRetrieveLevel=STUDY', '-k', `StudyInstanceUID=${study}`];
    const to = ['-aet', 'READER', '-aec', 'MEDUSA', '127.0.0.1', String(node.node.dicomPort)];

    const moved = await dcmtk('movescu', '-S', '-v', '-aem', 'SINK', ...keys, ...to);

    expect(moved.output).toMatch(/Final Move Response \(Success\)/);
    const arrived = await objectsIn(sink.folder);
    expect(arrived.size).toBe(slices.length);
    for (const { meta, dataSet } of slices)
      expect(arrived.get(meta.sopInstanceUID)?.dataSet.equals(dataSet)).toBe(true);
    await allGivenUp(node);
    await rm(folder, { recursive: true });
  });

  it('gives up what nobody read for so many days, although there is room', async () => {
    const node = await start({ hotDays: 1 });
    await sendAll(node, slices);
    await allMoved(node, slices.length);
    await node.restart();
    await expectServed(node, slices);
    expect(await hot(node)).toHaveLength(slices.length);

    await node.restart({ hotDays: second / 1_000 });
    await allGivenUp(node);
    await expectServed(node, slices);
  });

  it('gives up what nobody read for the longest time, and fetches what work needs as a whole', async () => {
    const bytes = (slices[0]?.dataSet.length ?? 0) + 1_000;
    const node = await start({ hotGiB: (bytes * 2.5) / 2 ** 30 });
    for (const slice of slices) {
      await sendAll(node, [slice]);
      await expectServed(node, slices.slice(0, 1));
    }

    await allMoved(node, slices.length);
    await expect.poll(async () => (await hot(node)).length, patience).toBeLessThanOrEqual(2);
    const explicit = { accept: 'application/dicom; transfer-syntax=1.2.840.10008.1.2.1' };
    const renditions = await Promise.all(
      slices.map(async (slice) => node.ask(await pathOf(node, slice), { headers: explicit })),
    );
    expect(renditions.map(({ status }) => status)).toEqual(slices.map(() => 200));
    await expect.poll(async () => (await hot(node)).length, patience).toBeLessThanOrEqual(2);
    await expectServed(node, slices);
  });

  it('takes objects in while the object store is away, loses none, and says what it cannot serve', async () => {
    const node = await start(nothingHot);
    const [first, ...others] = slices as [DicomFile, ...DicomFile[]];
    await sendAll(node, [first]);
    await allMoved(node, 1);
    await allGivenUp(node);
    const path = await pathOf(node, first);
    const away = `${bucket}-away`;
    await rename(bucket, away);
    await writeFile(bucket, 'no folder');

    await sendAll(node, others);
    const refused = await node.ask(path);
    await expect.poll(async () => meter(node, 'object_store_up'), patience).toBe(0);

    expect(refused.status).toBe(502);
    expect(JSON.parse(refused.body.toString())).toMatchObject({ code: 'storage.unreachable', retry: true });
    expect(await hot(node)).toHaveLength(others.length);
    await expectServed(node, others);
    await rm(bucket);
    await rename(away, bucket);
    await allMoved(node, slices.length);
    expect(await meter(node, 'object_store_up')).toBe(1);
    await expectServed(node, slices);
  });

  it('keeps the only copy: what is gone from the object store is not given up here', async () => {
    const node = await start();
    await sendAll(node, slices);
    await allMoved(node, slices.length);
    await rm(bucket, { recursive: true });

    await node.restart(nothingHot);

    await expect
      .poll(async () => (await filesIn(bucket).catch(() => [])).length, patience)
      .toBe(slices.length);
    await allGivenUp(node);
    await expectServed(node, slices);
  });

  it('refuses with A700 before anything is lost', async () => {
    const node = await start({ reserveMiB: 2 ** 40 });
    const [{ meta, dataSet }] = slices as [DicomFile];

    expect(await store(node.node.dicomPort, { ...meta, dataSet })).toBe(0xa700);
  });

  it.each([
    ['here', 'local', async (path: string) => flip(path, 5_000)],
    ['in its header here', 'local', async (path: string) => flip(path, 20)],
    ['there', 'remote', async (path: string) => flip(path, 5_000)],
    ['there, as it is cut off', 'remote', async (path: string) => truncate(path, 5_000)],
    ['there, as it is gone', 'remote', async (path: string) => rm(path)],
  ] as const)(
    'finds the copy that is damaged %s, and makes it again of the other',
    async (_name, place, damage) => {
      const node = await start({ scrubDays: second });
      await sendAll(node, slices.slice(0, 1));
      await allMoved(node, 1);
      const [here, there] = await Promise.all(
        [join(node.directory, 'objects'), bucket].map(async (folder) =>
          join(folder, (await filesIn(folder))[0] ?? ''),
        ),
      );
      const good = await readFile(here ?? '');

      await damage((place === 'local' ? here : there) ?? '');

      await expect
        .poll(async () => meter(node, `copies_healed_total{place="${place}"}`), patience)
        .toBeGreaterThan(0);
      expect((await readFile(here ?? '')).equals(good)).toBe(true);
      expect((await readFile(there ?? '')).equals(good)).toBe(true);
      expect(await meter(node, `copies_damaged_total{place="${place}"}`)).toBeGreaterThan(0);
    },
  );

  it('never serves a damaged object as a whole one', async () => {
    const node = await start(nothingHot);
    const [object] = slices as [DicomFile];
    await sendAll(node, [object]);
    await allMoved(node, 1);
    await allGivenUp(node);
    const path = await pathOf(node, object);
    const [name = ''] = await filesIn(bucket);
    await flip(join(bucket, name), 5_000);

    for (const accept of ['application/dicom', 'application/dicom; transfer-syntax=1.2.840.10008.1.2.1']) {
      const answer = await node.ask(path, { headers: { accept } }).catch(() => undefined);
      expect(answer?.status).not.toBe(200);
    }

    expect(await meter(node, 'copies_damaged_total{place="remote"}')).toBeGreaterThan(0);
  });

  it('moves nothing that is damaged here, and all else', async () => {
    const node = (storage = await startTestNode());
    await sendAll(node, slices);
    const [damaged = ''] = await hot(node);
    await flip(join(node.directory, 'objects', damaged), 5_000);

    await node.restart({ objects: 'folder', objectsUrl: bucket, ...nothingHot });

    await allMoved(node, slices.length - 1);
    await expect.poll(async () => meter(node, 'spool_stuck'), patience).toBe(1);
    await expect.poll(async () => hot(node), patience).toEqual([damaged]);
    expect(await filesIn(bucket)).toHaveLength(slices.length - 1);
  });

  it('finds everything again when its index is lost', async () => {
    const node = await start(nothingHot);
    await sendAll(node, slices);
    await allMoved(node, slices.length);
    await allGivenUp(node);
    await node.node.close();
    for (const name of await readdir(node.directory))
      if (name.startsWith('index.sqlite')) await rm(join(node.directory, name));

    await node.restart();

    await expectServed(node, slices);
    await allGivenUp(node);
    expect(await meter(node, 'object_store_objects')).toBe(slices.length);
  });

  it('moves what lay here before there was an object store', async () => {
    const node = (storage = await startTestNode());
    await sendAll(node, slices);

    await node.restart({ objects: 'folder', objectsUrl: bucket, ...nothingHot });

    await allMoved(node, slices.length);
    await allGivenUp(node);
    await expectServed(node, slices);
  });
});
