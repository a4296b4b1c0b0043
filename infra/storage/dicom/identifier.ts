import { bufferSource } from './byte-source.ts';
import type { DicomJson, JsonAttribute, JsonValue, PersonName } from './dicom-json.ts';
import { readDataSet } from './element-reader.ts';
import { writeJson } from './json-writer.ts';
import { explicitLittleEndian, implicitLittleEndian, transferSyntaxOf } from './transfer-syntax.ts';
import { MalformedDataSet } from './malformed.ts';

/** The data set of a query, a retrieval or a commitment request. */
export type Identifier = {
  readonly attributes: DicomJson;
  /** The first value of the Specific Character Set that it is written in. */
  readonly characterSet: string;
};

/** @throws MalformedDataSet */
export function readIdentifier(bytes: Buffer, isExplicit: boolean): Identifier {
  const syntax = transferSyntaxOf(isExplicit ? explicitLittleEndian : implicitLittleEndian);
  if (!syntax) throw new MalformedDataSet('the transfer syntax is unknown');
  using source = bufferSource(bytes);
  const elements = readDataSet(source, 0, syntax);
  const named = elements.find(({ tag, items, fragments }) => tag === '00080005' && !items && !fragments);
  const characterSet = named ? source.read(named.offset, named.length).toString('latin1') : '';
  return {
    attributes: writeJson(source, elements).attributes,
    characterSet: (characterSet.split('\\')[0] ?? '').replace(/[\0 ]+$/, '').trim(),
  };
}

/** All values as one text, as a key is written: values apart by a backslash, groups of a name by an equals sign. */
export function keyText(attribute: JsonAttribute | undefined): string {
  return (attribute?.Value ?? []).map(valueText).join('\\');
}

function valueText(value: JsonValue): string {
  if (value === null) return '';
  if (typeof value !== 'object') return String(value);
  const { Alphabetic = '', Ideographic = '', Phonetic = '' } = value as PersonName;
  return [Alphabetic, Ideographic, Phonetic].join('=').replace(/=+$/, '');
}
