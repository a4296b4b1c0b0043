import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dcmtk } from '../testing/dcmtk.ts';
import { filesOf, readDicomFile, type DicomFile } from '../testing/files.ts';
import { partsOf, startTestNode, type HttpAnswer, type TestNode } from '../testing/test-node.ts';

type Json = Record<string, { vr: string; Value?: unknown[]; BulkDataURI?: string } | undefined>;
const json = ({ body }: HttpAnswer): Json[] => JSON.parse(body.toString()) as Json[];
const itemsOf = (object: Json | undefined, tag: string): Json[] => (object?.[tag]?.Value ?? []) as Json[];

const wholeSlide = '1.2.840.10008.5.1.4.1.1.77.1.6';
const jpegBaseline = '1.2.840.10008.1.2.4.50';
const asStored = { accept: `application/octet-stream; transfer-syntax=${jpegBaseline}` };

describe('VL Whole Slide Microscopy Images', () => {
  let storage: TestNode;
  let files: readonly string[];
  let levels: readonly DicomFile[];
  let series: string;
  beforeAll(async () => {
    storage = await startTestNode();
    files = await filesOf('wsi');
    levels = await Promise.all(files.map(readDicomFile));
    const to = ['-aec', 'MEDUSA', '127.0.0.1', String(storage.node.dicomPort)];
    expect((await dcmtk('dcmsend', ...to, ...files)).code).toBe(0);
    const [found] = json(await storage.ask('/dicomweb/series?Modality=SM'));
    const value = (tag: string): string => String(found?.[tag]?.Value?.[0]);
    series = `/dicomweb/studies/${value('0020000D')}/series/${value('0020000E')}`;
  });
  afterAll(async () => storage[Symbol.asyncDispose]());

  const pathOf = (level: number): string => `${series}/instances/${levels[level]?.meta.sopInstanceUID ?? ''}`;

  it('are found by modality and class, and say how large they are', async () => {
    const studies = json(await storage.ask('/dicomweb/studies?ModalitiesInStudy=SM'));
    expect(studies).toHaveLength(1);
    expect(studies[0]?.['00201208']?.Value).toEqual([5]);
    const query = `SOPClassUID=${wholeSlide}&includefield=00480006&includefield=00480007&includefield=00280008`;
    const found = json(await storage.ask(`${series}/instances?${query}`)).map((each) =>
      ['00480006', '00480007', '00280008'].map((tag) => Number(each[tag]?.Value?.[0])),
    );
    expect(found.toSorted(([a = 0], [b = 0]) => b - a)).toEqual([
      [2220, 2967, 130],
      [1110, 1484, 35],
      [555, 742, 12],
      [278, 371, 4],
      [139, 186, 1],
    ]);
  });

  it('tell in their metadata where each tile lies, and where their colour profile is to be had', async () => {
    const metadata = json(await storage.ask(`${series}/metadata`));
    expect(metadata).toHaveLength(5);
    const base = metadata.find((each) => each['00480006']?.Value?.[0] === 2220) ?? {};
    expect(base['00280004']?.Value).toEqual(['YBR_FULL_422']);
    const groups = itemsOf(base, '52009230');
    expect(groups).toHaveLength(130);
    expect(itemsOf(groups[56], '0048021A')[0]).toMatchObject({
      '0048021E': { Value: [961] },
      '0048021F': { Value: [1441] },
    });

    const [path = {}] = itemsOf(base, '00480105');
    const profile = await storage.ask(new URL(path['00282000']?.BulkDataURI ?? '').pathname);
    const [part] = partsOf(profile);
    expect(part?.bytes).toHaveLength(6922);
    expect(levels[0]?.dataSet.includes(part?.bytes ?? '')).toBe(true);
  });

  it('give their tiles as they came, one and several', async () => {
    const one = await storage.ask(`${pathOf(0)}/frames/57`, { headers: asStored });
    expect(one.headers['content-type']).toBe(`image/jpeg; transfer-syntax=${jpegBaseline}`);
    expect(one.body.toString('hex', 0, 3)).toBe('ffd8ff');
    expect(levels[0]?.dataSet.includes(one.body)).toBe(true);

    const accept = `multipart/related; type="image/jpeg"; transfer-syntax=${jpegBaseline}`;
    const parts = partsOf(await storage.ask(`${pathOf(0)}/frames/57,1,130`, { headers: { accept } }));
    expect(parts).toHaveLength(3);
    expect(parts[0]?.bytes.equals(one.body)).toBe(true);
    expect((await storage.ask(`${pathOf(0)}/frames/131`, { headers: asStored })).status).toBe(404);
  });

  // The JPEG streams of the largest level are RGB whatever the header says, those of the others YCbCr.
  it.each([
    ['the largest level', 0, 57],
    ['a level of another colour space', 1, 17],
    ['the smallest level', 4, 1],
  ])('are decoded and rendered in their colours: %s', async (...[, level, frame]) => {
    const reference = await decodeWithDcmtk(files[level] ?? '', frame);
    const octets = { accept: 'application/octet-stream' };
    const decoded = await storage.ask(`${pathOf(level)}/frames/${frame}`, { headers: octets });
    expect(differenceOf(decoded.body, reference)).toBeLessThanOrEqual(mostDifference);

    const rendered = await storage.ask(`${pathOf(level)}/frames/${frame}/rendered`, {
      headers: { accept: 'image/png' },
    });
    const { width, height, data } = PNG.sync.read(rendered.body);
    expect([width, height]).toEqual([240, 240]);
    const pixels = Buffer.from(data.filter((_, index) => index % 4 !== 3));
    expect(differenceOf(pixels, reference)).toBeLessThanOrEqual(mostDifference);
  });

  it('have a thumbnail', async () => {
    const answer = await storage.ask(`${series}/thumbnail`);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'image/jpeg']);
  });
});

/** Both decoders descend from the IJG's, and round colours each in its own way. */
const mostDifference = 2;

function differenceOf(one: Buffer, other: Buffer): number {
  if (one.length !== other.length) return Infinity;
  return one.reduce((worst, value, index) => Math.max(worst, Math.abs(value - (other[index] ?? 0))), 0);
}

/** RGB, in the colours that the JPEG stream says. */
async function decodeWithDcmtk(file: string, frame: number): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'storage-slide-'));
  try {
    const picture = join(folder, 'tile.ppm');
    expect((await dcmtk('dcmj2pnm', '+cg', '+op', '+F', String(frame), file, picture)).code).toBe(0);
    return (await readFile(picture)).subarray('P6\n240 240\n255\n'.length);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
