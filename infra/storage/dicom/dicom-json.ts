/** The DICOM JSON model (PS3.18 annex F). */
export type DicomJson = Readonly<Record<string, JsonAttribute | undefined>>;
export type JsonAttribute = {
  readonly vr: string;
  readonly Value?: readonly JsonValue[];
  readonly InlineBinary?: string;
  readonly BulkDataURI?: string;
};
export type JsonValue = string | number | null | PersonName | DicomJson;
export type PersonName = {
  readonly Alphabetic?: string;
  readonly Ideographic?: string;
  readonly Phonetic?: string;
};

/** The first value as text; empty when there is none. Of a person name the alphabetic group, or the first there is. */
export function textOf(data: DicomJson, tag: string): string {
  const value = data[tag]?.Value?.[0];
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (value === null || value === undefined) return '';
  const name = value as PersonName;
  return name.Alphabetic ?? name.Ideographic ?? name.Phonetic ?? '';
}

/** The first value as a number. */
export function numberOf(data: DicomJson, tag: string): number | undefined {
  const value = data[tag]?.Value?.[0];
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

export function itemsOf(data: DicomJson, tag: string): readonly DicomJson[] {
  const attribute = data[tag];
  return attribute?.vr === 'SQ' ? ((attribute.Value ?? []) as readonly DicomJson[]) : [];
}
