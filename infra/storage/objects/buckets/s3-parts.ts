import { createHash } from 'node:crypto';
import { md5OfParts, partsOf, type FilePart, type PutInParts } from './file-parts.ts';
import { textOf, unreachable } from './http-client.ts';
import { noContainer } from './made-container.ts';
import { etagOf } from './ranged-read.ts';
import { arrivedDamaged, failureOf, isEncrypted, valueOf, type S3Call } from './s3-call.ts';

/** What the API allows. */
const mostParts = 10_000;
/** To take back what was begun; whoever gave it up does not wait for more. */
const abortMs = 10_000;

type SentPart = FilePart & { readonly etag: string };
type Upload = { readonly call: S3Call; readonly name: string; readonly uploadId: string };

/** An object in several requests (CreateMultipartUpload): it is seen when the last of them is done, or never. */
export async function putInParts(
  call: S3Call,
  { name, source, partBytes }: PutInParts,
  signal: AbortSignal,
): Promise<{ readonly etag: string } | typeof noContainer> {
  const begun = await call({ method: 'POST', key: name, query: { uploads: '' }, signal });
  if (begun.status === 404) {
    await textOf(begun);
    return noContainer;
  }
  if (begun.status !== 200) throw await failureOf(begun);
  const uploadId = valueOf(await textOf(begun), 'UploadId');
  if (uploadId === undefined) throw unreachable('The object store did not name an upload that it began');
  const upload = { call, name, uploadId };
  try {
    const parts: SentPart[] = [];
    for await (const part of partsOf(source, { partBytes, mostParts }))
      parts.push({ ...part, etag: await putPart(upload, { part, path: source.path }, signal) });
    return { etag: await complete(upload, parts, signal) };
  } catch (error) {
    await abort(upload);
    throw error;
  }
}

/** Answers the ETag: the MD5 of the part, or another one where a key service has the key. */
async function putPart(
  { call, name, uploadId }: Upload,
  { part, path }: { readonly part: FilePart; readonly path: string },
  signal: AbortSignal,
): Promise<string> {
  const { number, start, bytes, sha256, md5 } = part;
  const reply = await call({
    method: 'PUT',
    key: name,
    query: { partNumber: String(number), uploadId },
    headers: { 'content-md5': Buffer.from(md5, 'hex').toString('base64') },
    body: { path, start, bytes },
    sha256,
    signal,
  });
  if (reply.status !== 200) throw await failureOf(reply);
  await textOf(reply);
  const etag = etagOf(reply);
  if (etag !== md5 && !isEncrypted(reply)) throw arrivedDamaged();
  return etag;
}

async function complete(
  { call, name, uploadId }: Upload,
  parts: readonly SentPart[],
  signal: AbortSignal,
): Promise<string> {
  const listed = parts.map(
    ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>"${etag}"</ETag></Part>`,
  );
  const body = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join('')}</CompleteMultipartUpload>`;
  const sha256 = createHash('sha256').update(body).digest('hex');
  const reply = await call({ method: 'POST', key: name, query: { uploadId }, body, sha256, signal });
  if (reply.status !== 200) throw await failureOf(reply);
  // It is answered before it is done; what then fails stands in the body.
  const etag = valueOf(await textOf(reply), 'ETag')?.replaceAll('"', '');
  if (etag === undefined) throw unreachable('The object store did not put the parts together');
  // Each part was found to be what was sent. Where ETags are MD5s, so is the whole.
  const isOfMd5 = parts.every((part) => part.etag === part.md5);
  if (isOfMd5 && etag !== `${md5OfParts(parts, 'binary')}-${parts.length}`) {
    await textOf(await call({ method: 'DELETE', key: name, signal }));
    throw arrivedDamaged();
  }
  return etag;
}

/** What cannot be taken back now is for the service's own rule for unfinished uploads. */
async function abort({ call, name, uploadId }: Upload): Promise<void> {
  const signal = AbortSignal.timeout(abortMs);
  await call({ method: 'DELETE', key: name, query: { uploadId }, signal })
    .then(async (reply) => textOf(reply))
    .catch(() => undefined);
}
