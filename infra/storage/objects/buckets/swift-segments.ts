import { randomUUID } from 'node:crypto';
import { DamagedCopy } from './bucket.ts';
import { md5OfParts, partsOf, type FilePart, type PutInParts } from './file-parts.ts';
import { refused, textOf, type HttpReply } from './http-client.ts';
import { noContainer } from './made-container.ts';
import { etagOf } from './ranged-read.ts';
import type { SwiftCall } from './swift-call.ts';

/** What Swift takes of one object, unless an operator wants it otherwise. */
const mostSegments = 1_000;
/** To take away what nobody needs; whoever gave it up does not wait for more. */
const cleaningMs = 30_000;

type Place = {
  readonly call: SwiftCall;
  readonly container: string;
  /** All in the container whose names begin so. */
  readonly names: (prefix: string, signal: AbortSignal) => AsyncGenerator<{ readonly name: string }>;
};

/** Beside the object, under a name that no object has. */
function folderOf(name: string): string {
  return `.segments/${name}/`;
}

/**
 * An object in several (Static Large Object): its manifest is what is seen, and comes when all segments are there. Segments of other uploads of that
 * name stay: they may be those of another node, which is about to put its own manifest. They go with the object.
 */
export async function putInSegments(
  place: Place,
  { name, source, partBytes }: PutInParts,
  signal: AbortSignal,
): Promise<{ readonly etag: string } | typeof noContainer> {
  const folder = `${folderOf(name)}${randomUUID()}/`;
  const parts: FilePart[] = [];
  try {
    for await (const part of partsOf(source, { partBytes, mostParts: mostSegments })) {
      const segment = { name: segmentOf(folder, part), part, path: source.path };
      const sent = await putSegment(place.call, segment, signal);
      if (sent === noContainer) return sent;
      parts.push(part);
    }
  } catch (error) {
    await removeAll(place, folder);
    throw error;
  }
  // From here on they stay: of a manifest whose answer is lost nobody knows whether it is there.
  return { etag: await putManifest(place, { name, folder, parts }, signal) };
}

/** Of an object that is gone. */
export async function removeSegments(place: Place, name: string): Promise<void> {
  await removeAll(place, folderOf(name));
}

function segmentOf(folder: string, { number }: FilePart): string {
  return `${folder}${String(number).padStart(4, '0')}`;
}

async function putSegment(
  call: SwiftCall,
  { name, part, path }: { readonly name: string; readonly part: FilePart; readonly path: string },
  signal: AbortSignal,
): Promise<'sent' | typeof noContainer> {
  const { start, bytes, md5 } = part;
  const body = { path, start, bytes };
  const reply = await call({ method: 'PUT', name, headers: { etag: md5 }, body, signal });
  if (reply.status === 404) {
    await textOf(reply);
    return noContainer;
  }
  if (reply.status === 422 || (reply.status === 201 && etagOf(reply) !== md5)) throw arrivedDamaged(reply);
  if (reply.status !== 201) throw refused(reply);
  await textOf(reply);
  return 'sent';
}

type Manifest = { readonly name: string; readonly folder: string; readonly parts: readonly FilePart[] };

async function putManifest(
  { call, container }: Place,
  { name, folder, parts }: Manifest,
  signal: AbortSignal,
): Promise<string> {
  const segments = parts.map((part) => ({
    path: `/${container}/${segmentOf(folder, part)}`,
    etag: part.md5,
    size_bytes: part.bytes,
  }));
  const etag = md5OfParts(parts, 'hex');
  const headers = { etag, 'content-type': 'application/dicom' };
  const query = { 'multipart-manifest': 'put' };
  const reply = await call({ method: 'PUT', name, query, headers, body: JSON.stringify(segments), signal });
  if (reply.status === 422) throw arrivedDamaged(reply);
  if (reply.status !== 201) throw refused(reply);
  await textOf(reply);
  return etag;
}

/** What cannot be taken away now is taken away with the object. */
async function removeAll({ call, names }: Place, prefix: string): Promise<void> {
  const signal = AbortSignal.timeout(cleaningMs);
  try {
    for await (const { name } of names(prefix, signal))
      await textOf(await call({ method: 'DELETE', name, signal }));
  } catch {
    // The object itself is there, or not: nothing depends on this.
  }
}

export function arrivedDamaged({ body }: HttpReply): DamagedCopy {
  body.destroy();
  return new DamagedCopy('Other bytes arrived in the object store than were sent');
}
