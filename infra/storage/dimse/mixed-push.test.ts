import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesOf, readDicomFile, splitFile, type DicomFile } from '../testing/files.ts';
import { store } from '../testing/scu.ts';
import { partsOf, startTestNode, type TestNode } from '../testing/test-node.ts';
import { withInstanceNumber } from '../testing/unique.ts';

/** MEDUSA_PUSH_OBJECTS=5000 makes a long one of it. */
const count = Number(process.env['MEDUSA_PUSH_OBJECTS'] ?? 300);
const perObjectMs = 200;
const lanes = 6;
const accept = { accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' };

describe(`a push of ${count} objects, mixed`, () => {
  let storage: TestNode;
  let originals: readonly DicomFile[];
  beforeAll(async () => {
    storage = await startTestNode();
    const files = await Promise.all(['ct-chest', 'ts-matrix', 'charset', 'wsi'].map(filesOf));
    const all = await Promise.all(files.flat().map(readDicomFile));
    // A UID that is deflated, or that the data set does not have, cannot be exchanged where it stands.
    originals = all.filter(({ meta, dataSet }) => dataSet.includes(meta.sopInstanceUID));
    expect(new Set(originals.map(({ meta }) => meta.transferSyntaxUID)).size).toBe(13);
  });
  afterAll(async () => storage[Symbol.asyncDispose]());

  /** Of every class, transfer syntax and character set in turn. */
  const objectAt = (number: number): DicomFile => {
    const original = originals[number % originals.length];
    if (!original) throw new Error('There is nothing to send');
    return withInstanceNumber(original, number);
  };

  it(
    'comes back by DICOMweb byte for byte, each in the transfer syntax that it came in',
    async () => {
      const sent = new Map<string, { readonly sha256: string; readonly transferSyntaxUID: string }>();
      await inLanes(count, async (number) => {
        const { meta, dataSet } = objectAt(number);
        expect(await store(storage.node.dicomPort, { ...meta, dataSet })).toBe(0);
        sent.set(meta.sopInstanceUID, { ...meta, sha256: hashOf(dataSet) });
      });
      expect(sent.size).toBe(count);

      const kept = JSON.parse(
        (await storage.ask('/dicomweb/instances?limit=10000')).body.toString(),
      ) as Record<string, { Value?: string[] }>[];
      expect(kept).toHaveLength(count);
      await inLanes(count, async (number) => {
        const url = kept[number]?.['00081190']?.Value?.[0] ?? '';
        const [part] = partsOf(await storage.ask(new URL(url).pathname, { headers: accept }));
        const { meta, dataSet } = splitFile(part?.bytes ?? Buffer.alloc(0));
        const was = sent.get(meta.sopInstanceUID);
        expect(meta.transferSyntaxUID).toBe(was?.transferSyntaxUID);
        expect(hashOf(dataSet)).toBe(was?.sha256);
        // Each comes back once.
        sent.delete(meta.sopInstanceUID);
      });
      expect(sent.size).toBe(0);
    },
    30_000 + count * perObjectMs,
  );
});

async function inLanes(numbers: number, run: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let number = next++; number < numbers; number = next++) await run(number);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

function hashOf(dataSet: Buffer): string {
  return createHash('sha256').update(dataSet).digest('hex');
}
