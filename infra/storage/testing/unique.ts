import type { DicomFile } from './files.ts';

/** The same object under another SOP Instance UID of the same length. Works on data sets that are not deflated. */
export function withInstanceNumber({ meta, dataSet }: DicomFile, number: number): DicomFile {
  // A component may not begin with a zero, so it begins with a one.
  const suffix = `1${String(number).padStart(5, '0')}`;
  const uid = meta.sopInstanceUID;
  const sopInstanceUID = `${uid.slice(0, -suffix.length)}${suffix}`;
  const copy = Buffer.from(dataSet);
  for (let at = copy.indexOf(uid); at >= 0; at = copy.indexOf(uid, at + 1))
    copy.write(sopInstanceUID, at, 'latin1');
  return { meta: { ...meta, sopInstanceUID }, dataSet: copy };
}
