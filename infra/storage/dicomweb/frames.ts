import { AppError } from '@medusa/protocol';
import { Router, type Request, type Response } from 'express';
import type { Extent } from '../dicom/element-reader.ts';
import { imagePixelOf, wholeFrameBytes } from '../dicom/image.ts';
import { explicitLittleEndian, transferSyntaxOf, type TransferSyntax } from '../dicom/transfer-syntax.ts';
import { acceptedRanges, fits, type MediaRange } from './media-type.ts';
import { sendBody, sendMultipart, sendOnePart, type Body, type Part } from './multipart.ts';
import { serviceRoot } from './service-root.ts';
import { begun, cutExtents, knownObject, parseRange, withFile, type KnownObject } from './stored-object.ts';
import { isFresh, pathOf, rowsOf, type RetrieveDeps } from './wado.ts';

const instance = '/studies/:study/series/:series/instances/:instance';
const octets = 'application/octet-stream';

/** WADO-RS: frames and bulk data (PS3.18 §10.4.1.1.6, §10.4.1.1.5). */
export function frameRoutes(deps: RetrieveDeps): Router {
  const router = Router();
  router.get(`${instance}/frames/:frames`, async (req, res) => sendFrames(req, res, deps));
  router.get(`${instance}/bulkdata/:path`, async (req, res) => sendBulk(req, res, deps));
  return router;
}

/** From `1,3` to 0 and 2. @throws AppError */
export function frameIndices(text: string, object: KnownObject): number[] {
  const indices = text.split(',').map((number) => (/^\d{1,9}$/.test(number) ? Number(number) - 1 : -1));
  const frames = object.layout.pixels?.frames ?? 0;
  if (indices.some((index) => index < 0 || index >= frames))
    throw new AppError('object.unknown', 'There is no such frame');
  return indices;
}

type Choice = { readonly isMultipart: boolean; readonly isDecoded: boolean };

async function sendFrames(req: Request, res: Response, deps: RetrieveDeps): Promise<void> {
  const [row] = rowsOf(req, res, deps.index);
  const object = knownObject(row);
  const syntax = transferSyntaxOf(row.transfer_syntax_uid);
  if (!syntax || !object.layout.pixels) throw new AppError('object.unknown', 'The object has no frames');
  const frames = String(req.params['frames']);
  const indices = frameIndices(frames, object);
  const choice = chooseEncoding(acceptedRanges(req), syntax, indices.length);
  if (isFresh(req, res, `${row.sha256}-${frames}${choice.isDecoded ? '-le' : ''}`)) return;
  const type = choice.isDecoded ? octets : syntax.mediaType;
  const contentType = `${type}; transfer-syntax=${choice.isDecoded ? explicitLittleEndian : syntax.uid}`;
  const bodyOf = async (index: number): Promise<Body> =>
    choice.isDecoded ? decoded(object, index, deps) : stored(object, { index, syntax, deps });
  if (!choice.isMultipart) {
    res.set('Content-Type', contentType);
    return sendBody(res, await bodyOf(indices[0] ?? 0));
  }
  const location = `${serviceRoot(req)}/${pathOf(row)}/frames/`;
  const parts = indices.map((index) => ({
    head: { contentType, location: `${location}${index + 1}` },
    length: lengthOf(object, index, { syntax, choice }),
    open: async (): Promise<Body> => bodyOf(index),
  }));
  await sendParts(res, type, parts);
}

type FramePart = {
  readonly head: Omit<Part, 'body'>;
  /** Undefined where it is not known before. */
  readonly length: number | undefined;
  open(): Promise<Body>;
};

async function sendParts(res: Response, type: string, parts: readonly FramePart[]): Promise<void> {
  const [only, ...others] = parts;
  if (only?.length !== undefined && others.length === 0)
    return sendOnePart(res, type, { ...only.head, body: await only.open(), length: only.length });
  const opened = async function* (): AsyncGenerator<Part> {
    for (const part of parts) yield { ...part.head, body: await part.open() };
  };
  await sendMultipart(res, type, opened());
}

/** As stored where the caller takes it, else decoded: `application/octet-stream` alone means Explicit VR Little Endian (PS3.18 §8.7.3.3.2). */
function chooseEncoding(ranges: readonly MediaRange[], syntax: TransferSyntax, count: number): Choice {
  for (const range of ranges) {
    if (!range.isMultipart && count > 1) continue;
    const { isMultipart } = range;
    if (takesStored(range, syntax)) return { isMultipart, isDecoded: false };
    if (takesDecoded(range)) return { isMultipart, isDecoded: true };
  }
  throw new AppError('object.unrenderable', `Frames come as ${syntax.mediaType} or ${octets}`);
}

function takesStored(range: MediaRange, { uid, mediaType }: TransferSyntax): boolean {
  const isNamed = range.transferSyntax === '*' || range.transferSyntax === uid;
  if (isNamed && fits(range, octets)) return true;
  return mediaType !== octets && fits(range, mediaType) && (isNamed || range.transferSyntax === undefined);
}

function takesDecoded(range: MediaRange): boolean {
  const { transferSyntax } = range;
  return fits(range, octets) && (transferSyntax === undefined || transferSyntax === explicitLittleEndian);
}

async function decoded(object: KnownObject, frameIndex: number, deps: RetrieveDeps): Promise<Body> {
  const syntax = transferSyntaxOf(object.transferSyntaxUID);
  return syntax && isPlain(object, syntax)
    ? stored(object, { index: frameIndex, syntax, deps })
    : cutOut(object, frameIndex, deps);
}

/** Decoding it would change nothing. */
function isPlain(object: KnownObject, { pixels, isLittleEndian }: TransferSyntax): boolean {
  return pixels === 'native' && isLittleEndian && frameSizeOf(object) !== undefined;
}

/** Of each uncompressed frame, where it is a number of whole bytes. */
function frameSizeOf(object: KnownObject): number | undefined {
  return object.layout.pixels?.frameBytes ?? wholeFrameBytes(object.attributes);
}

async function cutOut(object: KnownObject, frameIndex: number, deps: RetrieveDeps): Promise<Body> {
  const samples = await withFile({ objects: deps.objects, object, frameIndex }, async (file) =>
    deps.pixels.run({ kind: 'decode', object: file, frameIndex }),
  );
  return [Buffer.from(samples)];
}

type Frame = { readonly index: number; readonly syntax: TransferSyntax; readonly deps: RetrieveDeps };

async function stored(object: KnownObject, { index, syntax, deps }: Frame): Promise<Body> {
  const { pixels } = object.layout;
  // With 1 bit a pixel a frame may begin within a byte: it must be cut out.
  if (pixels?.native && frameSizeOf(object) === undefined && imagePixelOf(object.attributes))
    return cutOut(object, index, deps);
  const extents = pixels?.encapsulated?.[index] ?? nativeExtent(object, index);
  return readObject(object, extents, { isDeflated: syntax.isDeflated, deps });
}

function nativeExtent(object: KnownObject, index: number): Extent[] {
  const native = object.layout.pixels?.native;
  const size = frameSizeOf(object);
  if (!native || size === undefined) throw new AppError('object.unrenderable', 'The object holds no image');
  if ((index + 1) * size > native[1]) throw new AppError('object.unknown', 'There is no such frame');
  return [[native[0] + index * size, size]];
}

/** Of what is sent of a frame; undefined where it is not known before. */
function lengthOf(
  object: KnownObject,
  index: number,
  { syntax, choice }: { readonly syntax: TransferSyntax; readonly choice: Choice },
): number | undefined {
  if (syntax.isDeflated || (choice.isDecoded && !isPlain(object, syntax))) return undefined;
  const fragments = object.layout.pixels?.encapsulated?.[index];
  return fragments ? fragments.reduce((sum, [, length]) => sum + length, 0) : frameSizeOf(object);
}

async function readObject(
  object: KnownObject,
  extents: readonly Extent[],
  { isDeflated, deps }: { isDeflated: boolean; deps: RetrieveDeps },
): Promise<Body> {
  if (!isDeflated) return begun(deps.objects.read(object.sha256, extents));
  return withFile({ objects: deps.objects, object }, async (file) =>
    Promise.all(
      extents.map(async (extent) => Buffer.from(await deps.pixels.run({ kind: 'inflate', file, extent }))),
    ),
  );
}

async function sendBulk(req: Request, res: Response, deps: RetrieveDeps): Promise<void> {
  const [row] = rowsOf(req, res, deps.index);
  const object = knownObject(row);
  const path = String(req.params['path']);
  const extents = bulkExtents(object, path);
  const range = acceptedRanges(req).find((accepted) => fits(accepted, octets));
  if (!range) throw new AppError('object.unrenderable', `Bulk data come as ${octets}`);
  if (isFresh(req, res, `${row.sha256}-${path}`)) return;
  const isDeflated = transferSyntaxOf(row.transfer_syntax_uid)?.isDeflated ?? false;
  const read = async (wanted: readonly Extent[]): Promise<Body> =>
    readObject(object, wanted, { isDeflated, deps });
  if (!range.isMultipart) return sendBulkPart(req, res, { extents, read });
  const location = `${serviceRoot(req)}/${pathOf(row)}/bulkdata/${path}`;
  return sendMultipart(res, octets, [{ contentType: octets, location, body: await read(extents) }]);
}

/** @throws AppError when the metadata have no such BulkDataURI */
function bulkExtents({ layout }: KnownObject, path: string): readonly Extent[] {
  const whole = Object.hasOwn(layout.bulk, path) ? layout.bulk[path] : undefined;
  if (!whole) throw new AppError('object.unknown', 'There is no such bulk data');
  const encapsulated = path === '7FE00010' ? layout.pixels?.encapsulated : undefined;
  return encapsulated ? encapsulated.flat() : [whole];
}

type BulkPart = {
  readonly extents: readonly Extent[];
  readonly read: (wanted: readonly Extent[]) => Promise<Body>;
};

async function sendBulkPart(req: Request, res: Response, { extents, read }: BulkPart): Promise<void> {
  const length = extents.reduce((sum, [, size]) => sum + size, 0);
  const part = parseRange(req.get('range'), length);
  res.set({
    'Content-Type': octets,
    'Content-Length': String(part?.[1] ?? length),
    'Accept-Ranges': 'bytes',
  });
  if (part) res.status(206).set('Content-Range', `bytes ${part[0]}-${part[0] + part[1] - 1}/${length}`);
  const body = await read(part ? cutExtents(extents, part) : extents);
  await sendBody(res, body);
}
