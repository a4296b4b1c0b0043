import type { ByteSource } from './byte-source.ts';
import type { Element, Extent } from './element-reader.ts';
import { MalformedDataSet } from './malformed.ts';

/** The pieces of each frame, as encapsulated pixel data hold them (PS3.5 §A.4). */
export type EncapsulatedFrames = readonly (readonly Extent[])[];

const itemHeaderBytes = 8;

/** Which fragments make which frame: by the extended or basic offset table, by their number, or by where a codestream starts. */
export function encapsulatedFrames(
  source: ByteSource,
  pixelData: Element,
  given: { readonly frames: number; readonly extendedOffsets: Element | undefined },
): EncapsulatedFrames {
  const [table, ...fragments] = pixelData.fragments ?? [];
  if (given.frames > Math.max(1, fragments.length)) throw tooFewFrames();
  if (!table || fragments.length === 0) return [];
  if (given.frames === 1) return [fragments];
  if (fragments.length === given.frames) return fragments.map((fragment) => [fragment]);
  const starts = frameStarts(source, table, given.extendedOffsets);
  const byTable = starts.length === given.frames ? cutAtOffsets(fragments, starts) : undefined;
  const frames = byTable ?? cutAtCodestreams(source, fragments);
  if (frames.length < given.frames) throw tooFewFrames();
  return frames;
}

export function tooFewFrames(): MalformedDataSet {
  return new MalformedDataSet('the pixel data hold fewer frames than they should');
}

function frameStarts(source: ByteSource, table: Extent, extended: Element | undefined): number[] {
  if (extended) {
    const bytes = source.read(extended.offset, extended.length);
    return Array.from({ length: Math.floor(bytes.length / 8) }, (_, index) =>
      Number(bytes.readBigUInt64LE(index * 8)),
    );
  }
  const bytes = source.read(table[0], table[1]);
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => bytes.readUInt32LE(index * 4));
}

/** Undefined when an offset meets no fragment's start: the table is wrong. */
function cutAtOffsets(fragments: readonly Extent[], starts: readonly number[]): Extent[][] | undefined {
  const base = (fragments[0]?.[0] ?? 0) - itemHeaderBytes;
  const isStart = new Set(starts);
  const frames = cutWhere(fragments, ([offset]) => isStart.has(offset - itemHeaderBytes - base));
  return frames.length === starts.length ? frames : undefined;
}

/** FF D8 begins a JPEG or JPEG-LS stream, FF 4F one of JPEG 2000. */
function cutAtCodestreams(source: ByteSource, fragments: readonly Extent[]): Extent[][] {
  return cutWhere(fragments, ([offset, length]) => {
    if (length < 2) return false;
    const [first, second] = source.read(offset, 2);
    return first === 0xff && (second === 0xd8 || second === 0x4f);
  });
}

function cutWhere(fragments: readonly Extent[], isFirst: (fragment: Extent) => boolean): Extent[][] {
  const frames: Extent[][] = [];
  for (const fragment of fragments) {
    const last = frames.at(-1);
    if (!last || isFirst(fragment)) frames.push([fragment]);
    else last.push(fragment);
  }
  return frames;
}
