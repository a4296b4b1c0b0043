import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { craftedObject, element, us } from '../testing/crafted.ts';
import type { DicomFile } from '../testing/files.ts';
import { store } from '../testing/scu.ts';
import { startTestNode, type TestNode } from '../testing/test-node.ts';

const video = '1.2.840.10008.1.2.4.102';
const jpeg = '1.2.840.10008.1.2.4.50';
const deflated = '1.2.840.10008.1.2.1.99';
const empty = Buffer.from('feff00e000000000', 'hex');

function encapsulated(...fragments: Buffer[]): Buffer {
  const items = fragments.map((bytes) => {
    const header = Buffer.from('feff00e000000000', 'hex');
    header.writeUInt32LE(bytes.length, 4);
    return Buffer.concat([header, bytes]);
  });
  const start = Buffer.from('e07f10004f420000ffffffff', 'hex');
  return Buffer.concat([start, empty, ...items, Buffer.from('feffdde000000000', 'hex')]);
}

function shrunk(object: DicomFile): DicomFile {
  const meta = { ...object.meta, transferSyntaxUID: deflated };
  return { meta, dataSet: deflateRawSync(object.dataSet, { level: 9 }) };
}

const zeros = (mebibytes: number): Buffer => element('00420011', 'OB', Buffer.alloc(mebibytes * 1024 * 1024));

describe('bounds on an object', () => {
  let storage: TestNode;
  beforeAll(async () => {
    storage = await startTestNode();
  });
  afterAll(async () => storage[Symbol.asyncDispose]());

  it.each<[string, number, DicomFile]>([
    ['pixels for the frames that it has', 0, craftedObject({ number: 1 })],
    ['one frame more than it has pixels for', 0xc000, craftedObject({ number: 2, frames: 2 })],
    ['2³¹ frames', 0xc000, craftedObject({ number: 3, frames: 2 ** 31 - 1 })],
    [
      'fewer fragments than frames',
      0xc000,
      craftedObject({
        ...{ number: 4, frames: 3, transferSyntaxUID: jpeg },
        pixels: encapsulated(Buffer.of(0xff, 0xd8), Buffer.of(0xff, 0xd8)),
      }),
    ],
    [
      'a thousand frames and no fragment',
      0xc000,
      craftedObject({ number: 5, frames: 1_000, transferSyntaxUID: jpeg, pixels: encapsulated() }),
    ],
    [
      'all frames of a video in one fragment',
      0,
      craftedObject({
        ...{ number: 6, frames: 300, transferSyntaxUID: video },
        pixels: encapsulated(Buffer.alloc(64)),
      }),
    ],
    [
      'pixels that share their colour',
      0,
      craftedObject({
        number: 7,
        more: [element('00280002', 'US', us(3)), element('00280004', 'CS', 'YBR_FULL_422')],
        pixels: element('7FE00010', 'OB', Buffer.alloc(128)),
      }),
    ],
    ['a deflated data set of the usual kind', 0, shrunk(craftedObject({ number: 8 }))],
    ['a deflated data set of a few zeros', 0, shrunk(craftedObject({ number: 9, more: [zeros(8)] }))],
    [
      'a deflated data set a thousand times longer than it came',
      0xc000,
      shrunk(craftedObject({ number: 10, more: [zeros(64)] })),
    ],
  ])('%s', async (_name, status, { meta, dataSet }) => {
    expect(await store(storage.node.dicomPort, { ...meta, dataSet })).toBe(status);
  });
});
