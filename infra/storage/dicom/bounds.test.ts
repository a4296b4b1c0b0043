import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { craftedObject, element, us } from '../testing/crafted.ts';
import type { DicomFile } from '../testing/files.ts';
import { associateRequest, connectPeer, sendObject, statusOf } from '../testing/scu.ts';
import { startTestNode, type TestNode } from '../testing/test-node.ts';

const video = '1.2.840.10008.1.2.4.102';
const jpeg = '1.2.840.10008.1.2.4.50';
const deflated = '1.2.840.10008.1.2.1.99';
const nest = Buffer.from('0800401153510000fffffffffeff00e0ffffffff', 'hex');
/** (0029,0011), LO, of no length. */
const emptyElement = Buffer.from('290011004c4f0000', 'hex');
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

  it.each<[string, string, DicomFile]>([
    ['pixels for the frames that it has', '', craftedObject({ number: 1 })],
    [
      'one frame more than it has pixels for',
      'the pixel data hold fewer frames than they should',
      craftedObject({ number: 2, frames: 2 }),
    ],
    [
      '2³¹ frames',
      'the pixel data hold fewer frames than they should',
      craftedObject({ number: 3, frames: 2 ** 31 - 1 }),
    ],
    [
      'fewer fragments than frames',
      'the pixel data hold fewer frames than they should',
      craftedObject({
        ...{ number: 4, frames: 3, transferSyntaxUID: jpeg },
        pixels: encapsulated(Buffer.of(0xff, 0xd8), Buffer.of(0xff, 0xd8)),
      }),
    ],
    [
      'a thousand frames and no fragment',
      'the pixel data hold fewer frames than they should',
      craftedObject({ number: 5, frames: 1_000, transferSyntaxUID: jpeg, pixels: encapsulated() }),
    ],
    [
      'all frames of a video in one fragment',
      '',
      craftedObject({
        ...{ number: 6, frames: 300, transferSyntaxUID: video },
        pixels: encapsulated(Buffer.alloc(64)),
      }),
    ],
    [
      'pixels that share their colour',
      '',
      craftedObject({
        number: 7,
        more: [element('00280002', 'US', us(3)), element('00280004', 'CS', 'YBR_FULL_422')],
        pixels: element('7FE00010', 'OB', Buffer.alloc(128)),
      }),
    ],
    ['a deflated data set of the usual kind', '', shrunk(craftedObject({ number: 8 }))],
    ['a deflated data set of a few zeros', '', shrunk(craftedObject({ number: 9, more: [zeros(8)] }))],
    [
      'a deflated data set a thousand times longer than it came',
      'the data set inflates to too much',
      shrunk(craftedObject({ number: 10, more: [zeros(64)] })),
    ],
    [
      'sequences nested 65 deep',
      'the sequences are nested too deep',
      craftedObject({ number: 11, pixels: Buffer.concat(Array.from({ length: 65 }, () => nest)) }),
    ],
    [
      'more elements than any real one',
      'the data set has too many elements',
      craftedObject({ number: 12, pixels: Buffer.alloc(8 * 2_000_001, emptyElement) }),
    ],
    [
      'a value longer than the data set',
      'an element is longer than what holds it',
      craftedObject({ number: 13, pixels: element('7FE00010', 'OB', Buffer.alloc(64)).subarray(0, -2) }),
    ],
  ])('%s', async (_name, reason, { meta, dataSet }) => {
    using peer = await connectPeer(storage.node.dicomPort);
    const transferSyntaxes = [meta.transferSyntaxUID];
    peer.send(
      associateRequest({ contexts: [{ id: 1, abstractSyntax: meta.sopClassUID, transferSyntaxes }] }),
    );
    await peer.next();

    sendObject(peer, 1, { ...meta, dataSet });

    const answer = await peer.next();
    expect(statusOf(answer)).toBe(reason === '' ? 0 : 0xc000);
    expect(answer?.body.toString('latin1')).toContain(reason);
  });
});
