import { AppError } from '@medusa/protocol';
import { z } from 'zod';
import { dicomObjectSchema, type DicomObject } from './dicom-object.ts';
import type { SeriesEntry, SeriesImage } from './series.ts';

const dicomObjectsSchema = z.array(dicomObjectSchema);

/** The archive's side of one study: DICOM PS3.18 under `/dicomweb` of the page's own origin. */
export interface DicomwebClient {
  findSeries(signal: AbortSignal): Promise<readonly DicomObject[]>;
  loadMetadata(entry: SeriesEntry, signal: AbortSignal): Promise<readonly DicomObject[]>;
  frameUrl(seriesInstanceUID: string, image: SeriesImage): string;
}

interface DicomwebOptions {
  readonly root: string;
  readonly studyInstanceUID: string;
  /** Headers that authorise a request; they may change while the page lives. */
  readonly authorization: () => Record<string, string>;
}

export function createDicomwebClient({
  root,
  studyInstanceUID,
  authorization,
}: DicomwebOptions): DicomwebClient {
  const study = `${root}/studies/${studyInstanceUID}`;

  const load = async (url: string, signal: AbortSignal): Promise<readonly DicomObject[]> => {
    const response = await fetch(url, {
      headers: { accept: 'application/dicom+json', ...authorization() },
      signal,
    });
    if (response.status === 204) return [];
    if (!response.ok) throw refusal(response.status);
    const parsed = dicomObjectsSchema.safeParse(await response.json());
    if (!parsed.success) {
      throw new AppError('storage.unreachable', 'The archive answered something other than DICOM JSON');
    }
    return parsed.data;
  };

  return {
    // PS3.18 §10.6.3.3: what a series answer need not hold must be asked for.
    findSeries: async (signal) => load(`${study}/series?includefield=0008103E&includefield=00201209`, signal),
    loadMetadata: async ({ seriesInstanceUID }, signal) =>
      load(`${study}/series/${seriesInstanceUID}/metadata`, signal),
    frameUrl: (seriesInstanceUID, { sopInstanceUID, frame }) =>
      `${study}/series/${seriesInstanceUID}/instances/${sopInstanceUID}/frames/${frame}`,
  };
}

function refusal(status: number): AppError {
  if (status === 401) return new AppError('identity.rejected', 'The login is not valid any more');
  if (status === 403) return new AppError('access.refused', 'This study is not open to you');
  if (status === 404) return new AppError('study.unknown', 'The archive does not have this study');
  return new AppError('storage.unreachable', `The archive answered with status ${status}`);
}
