import { AppError } from '@medusa/protocol';
import type { FrameArchive, FrameRequest } from 'dicom-microscopy-viewer';

/** A frame on its way to the decoder. */
export interface EncodedFrame {
  readonly mediaType: 'image/jpeg' | 'image/png' | 'application/octet-stream';
  readonly bytes: ArrayBuffer;
  /** In which the screen takes its pixels. */
  readonly colorSpace: PredefinedColorSpace;
}

/** Tiles on their way, since there were none. */
interface TileProgress {
  readonly loaded: number;
  readonly failed: number;
  readonly total: number;
}

interface Options {
  /** `…/dicomweb` */
  readonly root: string;
  readonly authorization: () => Record<string, string>;
  /** Of a slide in grays the stored values are asked for, of one in colour what a browser can decode. */
  readonly isColour: (sopInstanceUID: string) => boolean;
  readonly colorSpace: PredefinedColorSpace;
  readonly onProgress: (progress: TileProgress) => void;
  readonly onFailure: (error: AppError) => void;
}

const jpegAsStored = 'application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.50';

/** Brings the tiles of slides from the archive, in a form that needs no codec but the browser's own. */
export function createSlideArchive(options: Options): FrameArchive {
  const { root, authorization, isColour, colorSpace, onProgress, onFailure } = options;
  /** What is no JPEG is asked for as a picture from then on. */
  const otherwise = new Set<string>();
  let progress = { loaded: 0, failed: 0, total: 0 };

  const ask = async (url: string, accept: string): Promise<Response> =>
    fetch(url, { headers: { accept, ...authorization() } }).catch((error: unknown) => {
      throw new AppError('storage.unreachable', 'The archive does not answer', { cause: error });
    });
  const take = async (response: Response, mediaType: EncodedFrame['mediaType']): Promise<EncodedFrame> => {
    if (!response.ok)
      throw new AppError('storage.unreachable', `The archive answered with status ${response.status}`);
    return { mediaType, colorSpace, bytes: await response.arrayBuffer() };
  };

  const load = async (request: FrameRequest): Promise<EncodedFrame> => {
    const { studyInstanceUID, seriesInstanceUID, sopInstanceUID, frameNumbers } = request;
    const instance = `${root}/studies/${studyInstanceUID}/series/${seriesInstanceUID}/instances/${sopInstanceUID}`;
    const frame = `${instance}/frames/${frameNumbers[0] ?? 1}`;
    if (!isColour(sopInstanceUID))
      return take(await ask(frame, 'application/octet-stream'), 'application/octet-stream');
    if (!otherwise.has(sopInstanceUID)) {
      const response = await ask(frame, jpegAsStored);
      if (response.status !== 406) return take(response, 'image/jpeg');
      otherwise.add(sopInstanceUID);
    }
    return take(await ask(`${frame}/rendered`, 'image/png'), 'image/png');
  };

  const count = (change: Partial<TileProgress>): void => {
    const isOver = progress.loaded + progress.failed >= progress.total;
    progress = { ...(isOver && change.total ? { loaded: 0, failed: 0, total: 0 } : progress) };
    progress.loaded += change.loaded ?? 0;
    progress.failed += change.failed ?? 0;
    progress.total += change.total ?? 0;
    onProgress(progress);
  };

  return {
    retrieveInstanceFrames: async (request) => {
      count({ total: 1 });
      try {
        const frame = await load(request);
        count({ loaded: 1 });
        return [frame];
      } catch (error) {
        count({ failed: 1 });
        if (error instanceof AppError) onFailure(error);
        throw error;
      }
    },
    retrieveBulkData: async ({ BulkDataURI }) => {
      const response = await ask(BulkDataURI, 'application/octet-stream');
      return [(await take(response, 'application/octet-stream')).bytes];
    },
  };
}
