import { chown, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AppError, uidSchema } from '@medusa/protocol';
import type { StudyAccess } from './gate.ts';

const explicitVrLittleEndian = '1.2.840.10008.1.2.1';
const concurrency = 4;

const attribute = z.object({ Value: z.array(z.unknown()).optional() }).optional();
/** DICOM JSON Model (PS3.18 §F): the attributes that order the files. */
const metadataSchema = z.array(
  z.object({
    '0020000E': attribute,
    '00080018': attribute,
    '00200011': attribute,
    '00200013': attribute,
    '00280010': attribute,
  }),
);
type Instance = {
  readonly seriesInstanceUID: string;
  readonly sopInstanceUID: string;
  readonly seriesNumber: number;
  readonly instanceNumber: number;
  readonly isImage: boolean;
};

/**
 * Writes a study's objects as Explicit VR Little Endian files into `folder`, named so that their order is that of series
 * and instance numbers. Answers the name of the first image.
 */
export async function saveStudyFiles(
  study: StudyAccess,
  place: { readonly folder: string; readonly uid: number | null },
  signal: AbortSignal,
): Promise<string> {
  await mkdir(place.folder, { mode: 0o700 });
  if (place.uid !== null) await chown(place.folder, place.uid, place.uid);
  const root = `${study.dicomwebUrl.replace(/\/$/, '')}/studies/${study.studyInstanceUID}`;
  const answer = await ask(study, `${root}/metadata`, { accept: 'application/dicom+json', signal });
  const instances = toInstances(metadataSchema.parse(await answer.json()));
  const named = instances.map((instance, index) => ({
    ...instance,
    name: `${String(index + 1).padStart(6, '0')}.dcm`,
  }));
  const first = named.find(({ isImage }) => isImage);
  if (!first) throw new AppError('session.start-failed', 'The study has no image');
  const waiting = named.values();
  const worker = async (): Promise<void> => {
    for (const { name, seriesInstanceUID, sopInstanceUID } of waiting) {
      const url = `${root}/series/${seriesInstanceUID}/instances/${sopInstanceUID}`;
      const file = path.join(place.folder, name);
      await writeFile(file, await fetchInstance(study, url, signal), { mode: 0o400 });
      if (place.uid !== null) await chown(file, place.uid, place.uid);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return first.name;
}

function toInstances(metadata: z.infer<typeof metadataSchema>): Instance[] {
  const first = (given: z.infer<typeof attribute>): unknown => given?.Value?.[0];
  const number = (given: z.infer<typeof attribute>): number =>
    Number(first(given) ?? Number.MAX_SAFE_INTEGER);
  return metadata
    .map((object) => ({
      seriesInstanceUID: uidSchema.parse(first(object['0020000E'])),
      sopInstanceUID: uidSchema.parse(first(object['00080018'])),
      seriesNumber: number(object['00200011']),
      instanceNumber: number(object['00200013']),
      isImage: first(object['00280010']) !== undefined,
    }))
    .sort(
      (one, other) =>
        one.seriesNumber - other.seriesNumber ||
        one.seriesInstanceUID.localeCompare(other.seriesInstanceUID) ||
        one.instanceNumber - other.instanceNumber,
    );
}

async function fetchInstance(study: StudyAccess, url: string, signal: AbortSignal): Promise<Buffer> {
  const accept = `multipart/related; type="application/dicom"; transfer-syntax=${explicitVrLittleEndian}`;
  const answer = await ask(study, url, { accept, signal });
  const boundary = /boundary="?([^";]+)"?/i.exec(answer.headers.get('content-type') ?? '')?.[1];
  const part = boundary && firstPart(await bodyOf(answer, study), boundary);
  if (!part) throw new AppError('session.start-failed', 'The storage node answered no DICOM object');
  return part;
}

async function bodyOf(answer: Response, { meter }: StudyAccess): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  if (answer.body) for await (const chunk of meter.pass(answer.body)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function ask(
  study: StudyAccess,
  url: string,
  options: { accept: string; signal: AbortSignal },
): Promise<Response> {
  const headers = { accept: options.accept, authorization: `Bearer ${study.studyToken()}` };
  const answer = await fetch(url, { headers, signal: options.signal }).catch((cause: unknown) => {
    throw new AppError('storage.unreachable', 'The storage node does not answer', { cause });
  });
  if (!answer.ok)
    throw new AppError(
      'session.start-failed',
      `The storage node answered ${answer.status} to a request for the study`,
    );
  return answer;
}

/** The body of the first part (RFC 2046 §5.1.1). */
export function firstPart(body: Buffer, boundary: string): Buffer | undefined {
  const delimiter = Buffer.from(`--${boundary}`);
  const headers = body.indexOf(delimiter);
  if (headers < 0) return undefined;
  const headersEnd = body.indexOf('\r\n\r\n', headers);
  const end = body.indexOf(Buffer.concat([Buffer.from('\r\n'), delimiter]), headersEnd + 2);
  return headersEnd < 0 || end < headersEnd + 4 ? undefined : body.subarray(headersEnd + 4, end);
}
