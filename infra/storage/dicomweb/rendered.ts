import { createHash } from 'node:crypto';
import { AppError } from '@medusa/protocol';
import { Router, type Request, type Response } from 'express';
import type { RenderRequest } from '../dicom/render.ts';
import { acceptedRanges, fits } from './media-type.ts';
import { frameIndices } from './frames.ts';
import { knownObject, withFile } from './stored-object.ts';
import { isFresh, rowsOf, type RetrieveDeps } from './wado.ts';

const thumbnail = { width: 128, height: 128 };
const mostViewportSide = 8_192;

/** WADO-RS: pictures for people (PS3.18 §10.4.1.1.3, §10.4.1.1.4). */
export function renderedRoutes(deps: RetrieveDeps): Router {
  const router = Router();
  const study = '/studies/:study';
  const series = `${study}/series/:series`;
  const instance = `${series}/instances/:instance`;
  for (const path of [instance, `${instance}/frames/:frames`])
    router.get(`${path}/rendered`, async (req, res) => sendPicture(req, res, { deps, isThumbnail: false }));
  for (const path of [study, series, instance, `${instance}/frames/:frames`])
    router.get(`${path}/thumbnail`, async (req, res) => sendPicture(req, res, { deps, isThumbnail: true }));
  return router;
}

async function sendPicture(
  req: Request,
  res: Response,
  { deps, isThumbnail }: { deps: RetrieveDeps; isThumbnail: boolean },
): Promise<void> {
  const rows = rowsOf(req, res, deps.index);
  // Of several the middle one: it shows more than the first slice of a volume does.
  const row = rows[Math.floor(rows.length / 2)] ?? rows[0];
  const object = knownObject(row);
  const frames = req.params['frames'];
  const [frameIndex = 0] = frames === undefined ? [] : frameIndices(String(frames), object);
  const request: RenderRequest = {
    frameIndex,
    window: windowOf(req),
    viewport: viewportOf(req) ?? (isThumbnail ? thumbnail : undefined),
    mediaType: mediaTypeOf(req, isThumbnail),
    quality: qualityOf(req),
  };
  const look = createHash('sha256').update(JSON.stringify(request)).digest('hex').slice(0, 16);
  if (isFresh(req, res, `${row.sha256}-${look}`)) return;
  const picture = await withFile({ objects: deps.objects, object, frameIndex }, async (file) =>
    deps.pixels.run({ kind: 'render', object: file, request }),
  );
  res.set('Content-Type', request.mediaType).send(Buffer.from(picture));
}

function mediaTypeOf(req: Request, isThumbnail: boolean): RenderRequest['mediaType'] {
  const preferred = isThumbnail
    ? (['image/jpeg', 'image/png'] as const)
    : (['image/png', 'image/jpeg'] as const);
  for (const range of acceptedRanges(req)) {
    const type = preferred.find((mediaType) => fits(range, mediaType));
    if (type) return type;
  }
  throw new AppError('object.unrenderable', 'Pictures come as image/png or image/jpeg');
}

/** `window=center,width,function` (PS3.18 §8.3.5.1.4). */
function windowOf(req: Request): RenderRequest['window'] {
  const text = req.query['window'];
  if (typeof text !== 'string') return undefined;
  const [center = NaN, width = NaN] = text.split(',').slice(0, 2).map(Number);
  const shape = (text.split(',')[2] ?? 'linear').replace('-', '_').toUpperCase();
  const isShape = ['LINEAR', 'LINEAR_EXACT', 'SIGMOID'].includes(shape);
  if (!Number.isFinite(center) || !Number.isFinite(width) || width < 1 || !isShape)
    throw new AppError('request.malformed', 'window is center,width,linear or linear-exact or sigmoid');
  return { center, width, shape };
}

function viewportOf(req: Request): RenderRequest['viewport'] {
  const text = req.query['viewport'];
  if (typeof text !== 'string') return undefined;
  const [width = 0, height = 0] = text.split(',').map(Number);
  const isSize = [width, height].every(
    (side) => Number.isInteger(side) && side > 0 && side <= mostViewportSide,
  );
  if (!isSize) throw new AppError('request.malformed', 'viewport is width,height');
  return { width, height };
}

function qualityOf(req: Request): number {
  const text = req.query['quality'] ?? '90';
  const quality = Number(text);
  if (!Number.isInteger(quality) || quality < 1 || quality > 100)
    throw new AppError('request.malformed', 'quality is 1 to 100');
  return quality;
}
