import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dcmtk } from '../testing/dcmtk.ts';
import { dataPath, filesOf, readDicomFile, splitFile, type DicomFile } from '../testing/files.ts';
import { store } from '../testing/scu.ts';
import { partsOf, startTestNode, type TestNode } from '../testing/test-node.ts';
import { withInstanceNumber } from '../testing/unique.ts';

const files = await filesOf('ts-matrix');
const names = files.map((file) => basename(file, '.dcm'));
const undecodable = 'ct_jpeg_extended_12bit';
const decodable = names.filter((name) => name !== undecodable);
const lossy = ['ct_j2k_lossy', 'ct_jpeg_baseline_8bit', 'ct_jpegls_near'];
const explicit = {
  accept: 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1',
};
const octets = { accept: 'multipart/related; type="application/octet-stream"' };

/** One CT slice in 14 encodings, each under a SOP Instance UID of its own. */
describe('an object of each transfer syntax', () => {
  let storage: TestNode;
  let directory: string;
  const sent = new Map<string, DicomFile>();
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'transfer-syntax-'));
    storage = await startTestNode();
    for (const [index, file] of files.entries()) {
      const original = await readDicomFile(file);
      const object = file.includes('deflated') ? original : withInstanceNumber(original, index);
      expect(await store(storage.node.dicomPort, { ...object.meta, dataSet: object.dataSet })).toBe(0);
      sent.set(basename(file, '.dcm'), object);
    }
  });
  afterAll(async () => {
    await storage[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  const pathOf = async (name: string): Promise<string> => {
    const uid = sent.get(name)?.meta.sopInstanceUID ?? '';
    const answer = await storage.ask(`/dicomweb/instances?SOPInstanceUID=${uid}`);
    const [found] = JSON.parse(answer.body.toString()) as Record<string, { Value: string[] }>[];
    return new URL(found?.['00081190']?.Value[0] ?? '').pathname;
  };
  /** The rendition in Explicit VR Little Endian, as a file for DCMTK. */
  const rendition = async (name: string): Promise<string> => {
    const [part] = partsOf(await storage.ask(await pathOf(name), { headers: explicit }));
    const path = join(directory, `${name}.dcm`);
    await writeFile(path, part?.bytes ?? '');
    return path;
  };

  it.each(names)('%s comes back byte for byte', async (name) => {
    const [part] = partsOf(await storage.ask(await pathOf(name)));

    const kept = splitFile(part?.bytes ?? Buffer.alloc(0));
    const object = sent.get(name);
    expect(kept.meta.transferSyntaxUID).toBe(object?.meta.transferSyntaxUID);
    expect(part?.contentType).toContain(kept.meta.transferSyntaxUID);
    expect(object?.dataSet.equals(kept.dataSet)).toBe(true);
  });

  it.each(names)('%s has the metadata of the slice', async (name) => {
    const instance = await pathOf(name);

    const [metadata] = JSON.parse((await storage.ask(`${instance}/metadata`)).body.toString()) as unknown[];

    expect(metadata).toMatchObject({
      '00080060': { vr: 'CS', Value: ['CT'] },
      '00280010': { vr: 'US', Value: [512] },
      '00280011': { vr: 'US', Value: [512] },
      '00281052': { vr: 'DS', Value: [expect.any(Number)] },
      '7FE00010': { BulkDataURI: expect.stringContaining(`${instance}/bulkdata/7FE00010`) as string },
    });
  });

  it.each(decodable)('%s is decoded to the right pixels', async (name) => {
    const original = await readDicomFile(dataPath('ts-matrix/ct_explicit_le.dcm'));
    const pixels = original.dataSet.subarray(-512 * 512 * 2);

    const [part] = partsOf(await storage.ask(`${await pathOf(name)}/frames/1`, { headers: octets }));

    const decoded = part?.bytes ?? Buffer.alloc(0);
    expect(lossy.includes(name) || decoded.equals(pixels)).toBe(true);
    const path = await rendition(name);
    expect(await dcmtk('dcmftest', path)).toMatchObject({ code: 0 });
    expect(
      splitFile(await readFile(path))
        .dataSet.subarray(-decoded.length)
        .equals(decoded),
    ).toBe(true);
  });

  it.each(decodable)('%s is rendered as DCMTK renders it', async (name) => {
    const is8Bit = name === 'ct_jpeg_baseline_8bit';
    const [center, width] = is8Bit ? [128, 200] : [40, 400];
    const png = join(directory, `${name}.png`);
    await dcmtk('dcmj2pnm', '+Ww', String(center), String(width), '+on', await rendition(name), png);
    const expected = PNG.sync.read(await readFile(png));

    const answer = await storage.ask(`${await pathOf(name)}/rendered?window=${center},${width},linear`);

    const picture = PNG.sync.read(answer.body);
    expect([picture.width, picture.height]).toEqual([512, 512]);
    let furthest = 0;
    for (const [at, value] of picture.data.entries())
      furthest = Math.max(furthest, Math.abs(value - (expected.data[at] ?? 0)));
    // DCMTK rounds what the modality LUT makes of a value before it applies the window.
    expect(furthest).toBeLessThanOrEqual(is8Bit ? 2 : 1);
  });

  it(`${undecodable} is not decoded, and the answer says so`, async () => {
    const instance = await pathOf(undecodable);

    const answers = await Promise.all([
      storage.ask(`${instance}/frames/1`, { headers: octets }),
      storage.ask(`${instance}/rendered`),
      storage.ask(instance, { headers: explicit }),
    ]);

    for (const { status, headers, body } of answers) {
      expect([status, headers['content-type']]).toEqual([406, 'application/problem+json; charset=utf-8']);
      expect(JSON.parse(body.toString())).toMatchObject({ code: 'object.unrenderable', retry: false });
    }
  });
});
