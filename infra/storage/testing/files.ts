import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseFileMeta, type ParsedFileMeta } from '../dicom/file-meta.ts';

const data = new URL('../../../test/data/', import.meta.url);

export function dataPath(relative: string): string {
  return fileURLToPath(new URL(relative, data));
}

export async function filesOf(folder: string): Promise<string[]> {
  const names = await readdir(dataPath(folder));
  return names
    .filter((name) => name.endsWith('.dcm'))
    .sort()
    .map((name) => dataPath(`${folder}/${name}`));
}

/** A DICOM file as its File Meta Information and its data set. */
export type DicomFile = { readonly meta: ParsedFileMeta; readonly dataSet: Buffer };

export function splitFile(bytes: Buffer): DicomFile {
  const meta = parseFileMeta(bytes);
  if (!meta) throw new Error('Not a whole DICOM file');
  return { meta, dataSet: bytes.subarray(meta.dataOffset) };
}

export async function readDicomFile(path: string): Promise<DicomFile> {
  return splitFile(await readFile(path));
}
