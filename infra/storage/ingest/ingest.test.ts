import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataPath, readDicomFile, splitFile, type DicomFile } from '../testing/files.ts';
import { store } from '../testing/scu.ts';
import { partsOf, startTestNode, type TestNode } from '../testing/test-node.ts';

describe('the way in', () => {
  let storage: TestNode;
  let slice: DicomFile;
  beforeEach(async () => {
    storage = await startTestNode();
    slice = await readDicomFile(dataPath('ct-chest/041.dcm'));
  });
  afterEach(async () => storage[Symbol.asyncDispose]());

  const send = async ({ meta, dataSet }: DicomFile): Promise<number | undefined> =>
    store(storage.node.dicomPort, { ...meta, dataSet });
  const health = async (): Promise<unknown> =>
    JSON.parse((await storage.ask('/healthz', { token: null })).body.toString()) as unknown;
  const storedDataSet = async (): Promise<Buffer> => {
    const [found] = JSON.parse((await storage.ask('/dicomweb/instances')).body.toString()) as Record<
      string,
      { Value: string[] }
    >[];
    const [part] = partsOf(await storage.ask(new URL(found?.['00081190']?.Value[0] ?? '').pathname));
    return splitFile(part?.bytes ?? Buffer.alloc(0)).dataSet;
  };
  const otherContent = (): DicomFile => {
    const dataSet = Buffer.from(slice.dataSet);
    dataSet.write('X', dataSet.indexOf('LIDC-IDRI-0314'));
    return { ...slice, dataSet };
  };

  it('warns of other content under a known UID, keeps both and serves the first', async () => {
    expect(await send(slice)).toBe(0);

    expect(await send(otherContent())).toBe(0xb000);
    expect(await send(otherContent())).toBe(0xb000);

    expect(await health()).toMatchObject({ studies: 1, instances: 1, conflicts: 1 });
    expect((await storedDataSet()).equals(slice.dataSet)).toBe(true);
    const kept = await readdir(join(storage.directory, 'objects'), { recursive: true });
    expect(kept.filter((name) => name.endsWith('.dcm'))).toHaveLength(2);
  });

  it('keeps one of ten equal objects that come at once', async () => {
    const statuses = await Promise.all(Array.from({ length: 10 }, async () => send(slice)));

    expect(statuses).toEqual(Array.from({ length: 10 }, () => 0));
    expect(await health()).toMatchObject({ instances: 1, conflicts: 0 });
    expect(await readdir(join(storage.directory, 'incoming'))).toEqual([]);
  });

  it('has everything after a restart, and no object twice', async () => {
    await send(slice);
    await send(otherContent());

    await storage.restart();

    expect(await health()).toMatchObject({ studies: 1, instances: 1, conflicts: 1 });
    expect((await storedDataSet()).equals(slice.dataSet)).toBe(true);
    expect(await send(slice)).toBe(0);
    expect(await health()).toMatchObject({ instances: 1, conflicts: 1 });
  });

  it('answers A700 when there is no space left, and goes on', async () => {
    await storage[Symbol.asyncDispose]();
    storage = await startTestNode({ reserveMiB: 1e12 });

    expect(await send(slice)).toBe(0xa700);
    expect(await send(slice)).toBe(0xa700);
  });
});
