import type { ByteSource } from './byte-source.ts';
import type { Element } from './element-reader.ts';
import { fileTypeOf, programHeadBytes, programTypeOf } from './file-types.ts';

/** Something in an object that makes it more than an object. */
export type Finding = {
  /** `preamble`, or the tag of an element. */
  readonly place: string;
  readonly type: string;
};

const preambleBytes = 128;
/** Bounds on the work: one object has no more private values than this, nor do a hundred findings tell more than ten. */
const mostValues = 100_000;
const mostFindings = 10;
/** No program is shorter. */
const leastProgramBytes = 32;
const binary: ReadonlySet<string> = new Set(['OB', 'OW', 'UN']);
/** Encapsulated Document: it has a MIME type, which nobody can believe. */
const documentTag = '00420011';

/** Looks for what CVE-2019-11687 is about, a preamble of another kind of file, and for programs in private values. */
export function inspect(source: ByteSource, elements: readonly Element[]): Finding[] {
  const preamble = fileTypeOf(source.read(0, Math.min(preambleBytes, source.size)));
  const findings: Finding[] = preamble ? [{ place: 'preamble', type: preamble.name }] : [];
  let values = 0;
  for (const { tag, offset, length } of carriers(elements)) {
    if (++values > mostValues || findings.length >= mostFindings) break;
    const type = programTypeOf(source.read(offset, Math.min(length, programHeadBytes)));
    if (type !== undefined) findings.push({ place: tag, type });
  }
  return findings;
}

function* carriers(elements: readonly Element[]): Generator<Element, void, undefined> {
  for (const element of elements) {
    const { tag, vr, length, items, fragments } = element;
    if (items) for (const item of items) yield* carriers(item);
    else if (!fragments && length >= leastProgramBytes && binary.has(vr) && isCarrier(tag)) yield element;
  }
}

function isCarrier(tag: string): boolean {
  return tag === documentTag || Number.parseInt(tag.slice(0, 4), 16) % 2 === 1;
}
