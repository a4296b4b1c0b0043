import { rm, stat } from 'node:fs/promises';
import { AppError } from '@medusa/protocol';
import { Router, type Request, type Response } from 'express';
import type { WorkerPool } from '../dicom/worker-pool.ts';
import { explicitLittleEndian } from '../dicom/transfer-syntax.ts';
import type { IndexDatabase } from '../index/index-database.ts';
import { instancesWithin, type InstanceRow } from '../index/study-index.ts';
import type { Extent } from '../dicom/element-reader.ts';
import { readFileExtents } from '../objects/file-store.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { requireStudy } from './authorization.ts';
import { acceptedRanges, fits } from './media-type.ts';
import { sendBody, sendMultipart, type Part } from './multipart.ts';
import { serviceRoot, withBulkUrls } from './service-root.ts';
import { begun, knownObject, parseRange, withFile } from './stored-object.ts';

export type RetrieveDeps = {
  readonly index: IndexDatabase;
  readonly objects: ObjectStore;
  readonly pixels: WorkerPool;
};

/** WADO-RS: studies, series, instances and their metadata (PS3.18 §10.4). */
export function wadoRoutes(deps: RetrieveDeps): Router {
  const router = Router();
  for (const path of ['/studies/:study', '/studies/:study/series/:series']) {
    router.get(path, async (req, res) => sendObjects(req, res, deps));
    router.get(`${path}/metadata`, (req, res) => sendMetadata(req, res, deps.index));
  }
  const instance = '/studies/:study/series/:series/instances/:instance';
  router.get(instance, async (req, res) => sendObjects(req, res, deps));
  router.get(`${instance}/metadata`, (req, res) => sendMetadata(req, res, deps.index));
  return router;
}

/** The instances that the address names. @throws AppError when there are none, or the token is for another study */
export function rowsOf(req: Request, res: Response, index: IndexDatabase): [InstanceRow, ...InstanceRow[]] {
  const { study, series, instance } = req.params as { study: string; series?: string; instance?: string };
  requireStudy(res, study);
  const [first, ...rest] = instancesWithin(index, {
    study,
    ...(series !== undefined && { series }),
    ...(instance !== undefined && { instance }),
  });
  if (!first)
    throw new AppError(instance ? 'object.unknown' : 'study.unknown', 'There is no such object here');
  return [first, ...rest];
}

/** Objects never change, so what is made of one of them may be kept for ever by the one who got it. Answers whether he has it already. */
export function isFresh(req: Request, res: Response, tag: string): boolean {
  res.set({ ETag: `"${tag}"`, 'Cache-Control': 'private, max-age=31536000, immutable' });
  return answersNotModified(req, res);
}

function answersNotModified(req: Request, res: Response): boolean {
  res.set('Vary', 'Accept, Authorization');
  const tags = (req.get('if-none-match') ?? '').split(',').map((tag) => tag.trim());
  if (!tags.includes(res.get('ETag') ?? '')) return false;
  res.status(304).end();
  return true;
}

function sendMetadata(req: Request, res: Response, index: IndexDatabase): void {
  const rows = rowsOf(req, res, index);
  if (
    !acceptedRanges(req).some(
      (range) => fits(range, 'application/dicom+json') || fits(range, 'application/json'),
    )
  )
    throw new AppError('object.unrenderable', 'Metadata come as application/dicom+json');
  // Content of the set, whatever its order: what came last may sort anywhere.
  const newest = rows.reduce((most, row) => (row.sha256 > most ? row.sha256 : most), '');
  res.set({ ETag: `"m${rows.length}-${newest}"`, 'Cache-Control': 'private, no-cache' });
  if (answersNotModified(req, res)) return;
  const root = serviceRoot(req);
  const texts = rows.map((row) => withBulkUrls(row.metadata, `${root}/${pathOf(row)}`));
  res.type('application/dicom+json').send(`[${texts.join(',')}]`);
}

export function pathOf(row: InstanceRow): string {
  return `studies/${row.study_instance_uid}/series/${row.series_instance_uid}/instances/${row.sop_instance_uid}`;
}

/** Disposing takes away what was made for it. */
type Rendition = AsyncDisposable & {
  readonly transferSyntaxUID: string;
  readonly size: number;
  read(extent: Extent): AsyncIterable<Buffer>;
};
type Choice = { readonly isMultipart: boolean; readonly isTranscoded: boolean };

async function sendObjects(req: Request, res: Response, deps: RetrieveDeps): Promise<void> {
  const rows = rowsOf(req, res, deps.index);
  const choice = chooseRendition(req, rows);
  if (rows.length === 1 && isFresh(req, res, `${rows[0].sha256}${choice.isTranscoded ? '-le' : ''}`)) return;
  if (rows.length > 1) res.set('Cache-Control', 'private, no-cache');
  if (!choice.isMultipart) return sendFile(req, res, render(rows[0], choice, deps));
  await sendMultipart(res, 'application/dicom', objectParts(rows, choice, deps, serviceRoot(req)));
}

/** The stored encoding unless the caller asks for Explicit VR Little Endian: nothing is decoded that need not be. */
function chooseRendition(req: Request, rows: readonly InstanceRow[]): Choice {
  for (const range of acceptedRanges(req)) {
    if (!fits(range, 'application/dicom') || (!range.isMultipart && rows.length > 1)) continue;
    const { transferSyntax, isMultipart } = range;
    const isStored =
      transferSyntax === undefined ||
      transferSyntax === '*' ||
      rows.every((row) => row.transfer_syntax_uid === transferSyntax);
    if (isStored || transferSyntax === explicitLittleEndian) return { isMultipart, isTranscoded: !isStored };
  }
  throw new AppError(
    'object.unrenderable',
    'Objects come as application/dicom, as stored or in Explicit VR Little Endian',
  );
}

// eslint-disable-next-line max-params -- a generator over what the one caller has at hand
async function* objectParts(
  rows: readonly InstanceRow[],
  choice: Choice,
  deps: RetrieveDeps,
  root: string,
): AsyncGenerator<Part> {
  for (const row of rows) {
    await using rendition = await render(row, choice, deps);
    yield {
      contentType: `application/dicom; transfer-syntax=${rendition.transferSyntaxUID}`,
      location: `${root}/${pathOf(row)}`,
      body: await begun(rendition.read([0, rendition.size])),
    };
  }
}

async function render(
  row: InstanceRow,
  choice: Choice,
  { objects, pixels }: RetrieveDeps,
): Promise<Rendition> {
  const { sha256, transfer_syntax_uid: transferSyntaxUID } = row;
  if (!choice.isTranscoded || transferSyntaxUID === explicitLittleEndian)
    return {
      transferSyntaxUID,
      size: row.data_offset + row.bytes,
      read: (extent) => objects.read(sha256, [extent]),
      [Symbol.asyncDispose]: async () => undefined,
    };
  const target = objects.temporaryPath();
  const remove = async (): Promise<void> => rm(target, { force: true });
  try {
    await withFile({ objects, object: knownObject(row) }, async (object) =>
      pixels.run({ kind: 'transcode', object, target }),
    );
    const { size } = await stat(target);
    return {
      transferSyntaxUID: explicitLittleEndian,
      size,
      read: (extent) => readFileExtents(target, [extent]),
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function sendFile(req: Request, res: Response, made: Promise<Rendition>): Promise<void> {
  await using rendition = await made;
  const { size, transferSyntaxUID } = rendition;
  const range = parseRange(req.get('range'), size);
  const [start, length] = range ?? [0, size];
  const bytes = await begun(rendition.read([start, length]));
  res.set({
    'Content-Type': `application/dicom; transfer-syntax=${transferSyntaxUID}`,
    'Content-Length': String(length),
    'Accept-Ranges': 'bytes',
  });
  if (range) res.status(206).set('Content-Range', `bytes ${start}-${start + length - 1}/${size}`);
  await sendBody(res, bytes);
}
