import type { H264Stream } from './h264.ts';

/** Times are ticks of this clock. */
export const mp4TicksPerSecond = 90_000;

type Bytes = Uint8Array<ArrayBuffer>;
type Field = number | readonly number[] | Uint8Array;
type Parameters = H264Stream & { readonly sequence: Uint8Array; readonly picture: Uint8Array };

const trackId = 1;
const identity = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000].flatMap((value) => u32(value));
/** ISO/IEC 14496-12 §8.8.3.1: sample_depends_on and sample_is_non_sync_sample. */
const sampleFlags = { keyframe: 0x02000000, other: 0x01010000 } as const;
const sampleDataFlags = {
  defaultBaseIsMoof: 0x020000,
  offset: 0x01,
  duration: 0x100,
  size: 0x200,
  flags: 0x400,
};

/**
 * The beginning of a film of one H.264 track that is told in fragments (ISO/IEC 14496-12, 14496-15). It has no end: players take it for live
 * and hold back as little as they can.
 */
export function mp4Beginning({ widthPx, heightPx, sequence, picture }: Parameters): Bytes {
  const [, profile = 0, compatibility = 0, level = 0] = sequence;
  const avcC = box('avcC', [
    ...[1, profile, compatibility, level],
    // Lengths of NAL units have four bytes; one set of each kind.
    ...[0xff, 0xe1, u16(sequence.length), sequence, 1, u16(picture.length), picture],
  ]);
  // BT.709 in its full range (ISO/IEC 23091-2).
  const colr = box('colr', [ascii('nclx'), u16(1), u16(1), u16(1), 0x80]);
  const avc1 = box('avc1', [
    ...[zeros(6), u16(1), zeros(16), u16(widthPx), u16(heightPx)],
    ...[u32(0x480000), u32(0x480000), zeros(4), u16(1), zeros(32), u16(24), u16(0xffff), avcC, colr],
  ]);
  const stbl = box('stbl', [
    box('stsd', [u32(0), u32(1), avc1]),
    ...['stts', 'stsc', 'stco'].map((name) => box(name, [zeros(8)])),
    box('stsz', [zeros(12)]),
  ]);
  const dinf = box('dinf', [box('dref', [u32(0), u32(1), box('url ', [u32(1)])])]);
  const minf = box('minf', [box('vmhd', [u32(1), zeros(8)]), dinf, stbl]);
  const mdhd = box('mdhd', [u32(0), zeros(8), u32(mp4TicksPerSecond), u32(0), u16(0x55c4), u16(0)]);
  const hdlr = box('hdlr', [u32(0), u32(0), ascii('vide'), zeros(12), 0]);
  const tkhd = box('tkhd', [
    ...[u32(3), zeros(8), u32(trackId), zeros(4), u32(0), zeros(16), identity],
    ...[u32(widthPx * 0x10000), u32(heightPx * 0x10000)],
  ]);
  const trak = box('trak', [tkhd, box('mdia', [mdhd, hdlr, minf])]);
  const mvhd = box('mvhd', [
    ...[u32(0), zeros(8), u32(mp4TicksPerSecond), u32(0), u32(0x10000), u16(0x100), zeros(10)],
    ...[identity, zeros(24), u32(trackId + 1)],
  ]);
  const mvex = box('mvex', [box('trex', [u32(0), u32(trackId), u32(1), zeros(12)])]);
  const ftyp = box('ftyp', [ascii('iso5'), u32(1), ascii('iso5'), ascii('avc1')]);
  return join([ftyp, box('moov', [mvhd, trak, mvex])]);
}

type Sample = {
  /** NAL units. */
  readonly units: readonly Uint8Array[];
  readonly isKeyframe: boolean;
  readonly sequenceNumber: number;
  readonly atTicks: number;
  readonly durationTicks: number;
};

/** One frame as a fragment of its own. */
export function mp4Fragment({ units, isKeyframe, sequenceNumber, atTicks, durationTicks }: Sample): Bytes {
  const data = units.flatMap((unit): Field[] => [u32(unit.length), unit]);
  const sampleBytes = units.reduce((sum, { length }) => sum + 4 + length, 0);
  const { defaultBaseIsMoof, offset, duration, size, flags } = sampleDataFlags;
  const moof = (dataOffset: number): Bytes =>
    box('moof', [
      box('mfhd', [u32(0), u32(sequenceNumber)]),
      box('traf', [
        box('tfhd', [u32(defaultBaseIsMoof), u32(trackId)]),
        box('tfdt', [u32(0x1000000), u32(Math.floor(atTicks / 2 ** 32)), u32(atTicks % 2 ** 32)]),
        box('trun', [
          ...[u32(offset | duration | size | flags), u32(1), u32(dataOffset)],
          ...[
            u32(durationTicks),
            u32(sampleBytes),
            u32(isKeyframe ? sampleFlags.keyframe : sampleFlags.other),
          ],
        ]),
      ]),
    ]);
  const headBytes = moof(0).length;
  return join([moof(headBytes + 8), box('mdat', data)]);
}

function box(name: string, fields: readonly Field[]): Bytes {
  const content = join(fields);
  return join([u32(content.length + 8), ascii(name), content]);
}

function join(fields: readonly Field[]): Bytes {
  const parts = fields.map((field) => (typeof field === 'number' ? [field] : field));
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function u16(value: number): readonly number[] {
  return [(value >>> 8) & 0xff, value & 0xff];
}

function u32(value: number): readonly number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

function zeros(count: number): Uint8Array {
  return new Uint8Array(count);
}

function ascii(text: string): readonly number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}
