import type { DicomJson, JsonAttribute, JsonValue } from '../dicom/dicom-json.ts';
import { keyText } from '../dicom/identifier.ts';

/** Matching of an attribute that is no column of the index (PS3.4 §C.2.2.2). A key without a value matches everything. */
export function matchesKey(key: JsonAttribute, found: JsonAttribute | undefined): boolean {
  if (key.vr === 'SQ') return matchesSequence(key, found);
  const wanted = keyText(key);
  if (wanted === '' || wanted === '*') return true;
  const values = (found?.Value ?? []).map((value) => textOfValue(value));
  if (key.vr === 'UI') return wanted.split('\\').some((uid) => values.includes(uid));
  if (ranged.has(key.vr) && wanted.includes('-')) return values.some((value) => isInRange(value, wanted));
  if (key.vr === 'PN')
    return values.some((value) => value.split('=').some((group) => isLike(group, wanted, 'iu')));
  return values.some((value) => isLike(value, wanted, 'u'));
}

const ranged = new Set(['DA', 'TM', 'DT']);

/** PS3.4 §C.2.2.2.6: one item of the key, and any item of the object that matches all of it. */
function matchesSequence(key: JsonAttribute, found: JsonAttribute | undefined): boolean {
  const [wanted] = (key.Value ?? []) as readonly DicomJson[];
  if (!wanted || Object.values(wanted).every((attribute) => !attribute || isUniversal(attribute)))
    return true;
  return ((found?.Value ?? []) as readonly DicomJson[]).some((item) =>
    Object.entries(wanted).every(
      ([tag, attribute]) => !attribute || tag === '00080005' || matchesKey(attribute, item[tag]),
    ),
  );
}

function isUniversal(attribute: JsonAttribute): boolean {
  if (attribute.vr !== 'SQ') return keyText(attribute) === '' || keyText(attribute) === '*';
  return ((attribute.Value ?? []) as readonly DicomJson[]).every((item) =>
    Object.values(item).every((inner) => !inner || isUniversal(inner)),
  );
}

function textOfValue(value: JsonValue): string {
  return keyText({ vr: '', Value: [value] });
}

function isInRange(value: string, wanted: string): boolean {
  const hyphen = wanted.indexOf('-');
  const [from, to] = [wanted.slice(0, hyphen), wanted.slice(hyphen + 1)];
  return value !== '' && (from === '' || value >= from) && (to === '' || value.slice(0, to.length) <= to);
}

/** Wildcards without a regular expression of the peer's making: linear in what it asks times what is there. */
function isLike(value: string, pattern: string, flags: 'u' | 'iu'): boolean {
  const fold = (text: string): string[] => Array.from(flags === 'iu' ? text.toLowerCase() : text);
  const [text, wanted] = [fold(value), fold(pattern)];
  let [at, from, star, mark] = [0, 0, -1, 0];
  while (at < text.length) {
    if (wanted[from] === '*') {
      star = from++;
      mark = at;
    } else if (wanted[from] === '?' || wanted[from] === text[at]) {
      at += 1;
      from += 1;
    } else if (star >= 0) {
      from = star + 1;
      at = ++mark;
    } else return false;
  }
  while (wanted[from] === '*') from += 1;
  return from === wanted.length;
}
