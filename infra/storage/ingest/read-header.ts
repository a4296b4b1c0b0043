import type { DicomJson } from '../dicom/dicom-json.ts';
import type { ParsedObject, StoredFile } from '../dicom/header.ts';
import type { WorkerPool } from '../dicom/worker-pool.ts';
import { indexedTags } from '../index/attributes.ts';

const wanted = indexedTags.join(' ');

/** What the index keeps of an object. @throws MalformedDataSet */
export async function readHeader(headers: WorkerPool, file: StoredFile): Promise<ParsedObject> {
  const { attributes, ...rest } = await headers.run({ kind: 'parse', file, wanted });
  return { ...rest, attributes: JSON.parse(attributes) as DicomJson };
}
