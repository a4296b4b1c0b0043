import type { ByteSource } from './byte-source.ts';
import { representationOf } from './dictionary.ts';
import { MalformedDataSet } from './malformed.ts';
import type { TransferSyntax } from './transfer-syntax.ts';

/** Where an element of a data set lies. Values are not read until somebody wants them. */
export type Element = {
  readonly tag: string;
  readonly vr: string;
  readonly offset: number;
  readonly length: number;
  /** The items of a sequence. */
  readonly items?: readonly (readonly Element[])[];
  /** Of encapsulated pixel data, the Basic Offset Table first. */
  readonly fragments?: readonly Extent[];
  /** Items of a UN sequence are Implicit VR Little Endian whatever surrounds them (PS3.5 §6.2.2). */
  readonly isLittleEndian: boolean;
};
export type Extent = readonly [offset: number, length: number];

/**
 * Our own reader and not dicom-parser: that one wants the whole object in memory, does not know the VRs OV, SV and UV,
 * and has no limit to its recursion.
 */
export const deepestSequence = 64;
export const mostElements = 2_000_000;
const undefinedLength = 0xffffffff;
const itemTag = 'FFFEE000';
const itemEnd = 'FFFEE00D';
const sequenceEnd = 'FFFEE0DD';
/** PS3.5 table 7.1-1: these have a 16 bit length; all others, also ones yet to be invented, two reserved bytes and 32 bits. */
export const shortRepresentations: ReadonlySet<string> = new Set(
  'AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US'.split(' '),
);

type Coding = { readonly isExplicit: boolean; readonly isLittleEndian: boolean };
type Header = { readonly tag: string; readonly vr: string; readonly length: number };

class ElementReader {
  position: number;
  isSigned = false;
  #count = 0;
  readonly #source: ByteSource;

  constructor(source: ByteSource, position: number) {
    this.#source = source;
    this.position = position;
  }

  /** Until `end`, or until the item's delimiter when the item has no length of its own. */
  readElements(end: number, coding: Coding, depth: number): Element[] {
    const elements: Element[] = [];
    while (this.position < end) {
      const header = this.#readHeader(coding);
      if (header.tag === itemEnd) return elements;
      if (header.tag.startsWith('FFFE')) throw new MalformedDataSet('an item stands outside of a sequence');
      const element = this.#readElement(header, end, { coding, depth });
      if (element.tag === '00280103')
        this.isSigned = this.#source.read(element.offset, 2).some((byte) => byte === 1);
      elements.push(element);
    }
    return elements;
  }

  #readElement(header: Header, end: number, context: { coding: Coding; depth: number }): Element {
    if (++this.#count > mostElements) throw new MalformedDataSet('the data set has too many elements');
    const { tag, vr, length } = header;
    const { coding, depth } = context;
    const offset = this.position;
    const isLittleEndian = coding.isLittleEndian;
    if (length !== undefinedLength && offset + length > end)
      throw new MalformedDataSet('an element is longer than what holds it');
    if (vr === 'SQ') {
      const items = this.#readItems(length, coding, { depth: depth + 1, end });
      return { tag, vr, offset, length: this.position - offset, items, isLittleEndian };
    }
    if (length === undefinedLength && vr === 'UN') {
      const implicit = { isExplicit: false, isLittleEndian: coding.isExplicit || isLittleEndian };
      const items = this.#readItems(length, implicit, { depth: depth + 1, end });
      return {
        tag,
        vr: 'SQ',
        offset,
        length: this.position - offset,
        items,
        isLittleEndian: implicit.isLittleEndian,
      };
    }
    if (length === undefinedLength) {
      const fragments = this.#readFragments(coding);
      return { tag, vr, offset, length: this.position - offset, fragments, isLittleEndian };
    }
    this.position += length;
    return { tag, vr, offset, length, isLittleEndian };
  }

  #readItems(length: number, coding: Coding, limits: { depth: number; end: number }): Element[][] {
    if (limits.depth > deepestSequence) throw new MalformedDataSet('the sequences are nested too deep');
    const end = length === undefinedLength ? limits.end : this.position + length;
    const items: Element[][] = [];
    while (this.position < end) {
      const header = this.#readHeader(coding);
      if (header.tag === sequenceEnd) return items;
      if (header.tag !== itemTag) throw new MalformedDataSet('a sequence holds something else than items');
      const itemStop = header.length === undefinedLength ? end : this.position + header.length;
      if (itemStop > end) throw new MalformedDataSet('an item is longer than its sequence');
      items.push(this.readElements(itemStop, coding, limits.depth));
    }
    return items;
  }

  #readFragments(coding: Coding): Extent[] {
    const fragments: Extent[] = [];
    for (;;) {
      const { tag, length } = this.#readHeader(coding);
      if (tag === sequenceEnd) return fragments;
      const isFragment = tag === itemTag && length !== undefinedLength;
      if (!isFragment || this.position + length > this.#source.size || fragments.length > mostElements)
        throw new MalformedDataSet('the fragments of the pixel data are broken');
      fragments.push([this.position, length]);
      this.position += length;
    }
  }

  #readHeader(coding: Coding): Header {
    const bytes = this.#source.read(this.position, 8);
    const read16 = (at: number): number =>
      coding.isLittleEndian ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
    const tag = tagName(read16(0), read16(2));
    if (!coding.isExplicit || tag.startsWith('FFFE')) {
      this.position += 8;
      const length = coding.isLittleEndian ? bytes.readUInt32LE(4) : bytes.readUInt32BE(4);
      const known = representationOf(tag, this.isSigned);
      const vr = known === 'UN' && length === undefinedLength ? 'SQ' : known;
      return { tag, vr, length };
    }
    const vr = representationAt(bytes, 4);
    if (vr === undefined) throw new MalformedDataSet('an element has no VR');
    if (shortRepresentations.has(vr)) {
      this.position += 8;
      return { tag, vr, length: read16(6) };
    }
    const long = this.#source.read(this.position + 8, 4);
    this.position += 12;
    return { tag, vr, length: coding.isLittleEndian ? long.readUInt32LE(0) : long.readUInt32BE(0) };
  }
}

/** Names that were made before: objects of one kind hold the same elements. */
const tagNames = new Map<number, string>();
const mostTagNames = 10_000;

function tagName(group: number, element: number): string {
  const number = group * 0x10000 + element;
  const known = tagNames.get(number);
  if (known !== undefined) return known;
  // The name of a property is one string for all: one that was made otherwise is looked up each time it is used as such.
  const [name = ''] = Object.keys({ [number.toString(16).toUpperCase().padStart(8, '0')]: 0 });
  if (tagNames.size < mostTagNames) tagNames.set(number, name);
  return name;
}

/** Undefined where there is no VR. */
function representationAt(bytes: Buffer, at: number): string | undefined {
  const [first = 0, second = 0] = [bytes[at], bytes[at + 1]];
  return isCapital(first) && isCapital(second) ? String.fromCharCode(first, second) : undefined;
}

function isCapital(code: number): boolean {
  return code >= 0x41 && code <= 0x5a;
}

/** Every element of a data set, with where its value lies. @throws MalformedDataSet */
export function readDataSet(source: ByteSource, start: number, syntax: TransferSyntax): Element[] {
  const reader = new ElementReader(source, start);
  const elements = reader.readElements(source.size, syntax, 0);
  if (reader.position !== source.size) throw new MalformedDataSet('something follows the data set');
  return elements;
}
