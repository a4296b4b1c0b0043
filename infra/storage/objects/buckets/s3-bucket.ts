import { createHash } from 'node:crypto';
import type { Bucket, BucketSource } from './bucket.ts';
import { refused, textOf, type HttpClient } from './http-client.ts';
import { inMadeContainer, noContainer } from './made-container.ts';
import { etagOf, rangedRead, rangeHeaders } from './ranged-read.ts';
import {
  arrivedDamaged,
  failureOf,
  isEncrypted,
  openS3Call,
  valueOf,
  type S3Call,
  type S3Settings,
} from './s3-call.ts';
import { putInParts } from './s3-parts.ts';

/** Objects by the S3 API: AWS, Ceph's gateway, Swift's, MinIO and the others. @param partBytes what is longer is sent in parts of this length */
export function openS3Bucket(settings: S3Settings, http: HttpClient, partBytes: number): Bucket {
  const { region } = settings;
  const call = openS3Call(settings, http);

  const makeBucket = async (signal: AbortSignal): Promise<void> => {
    const body =
      region === 'us-east-1'
        ? ''
        : `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;
    const sha256 = createHash('sha256').update(body).digest('hex');
    const reply = await call({ method: 'PUT', key: '', body, sha256, signal });
    // 409: another node was faster.
    if (reply.status !== 200 && reply.status !== 409) throw refused(reply);
    await textOf(reply);
  };

  return {
    put: async (name, source, signal) =>
      inMadeContainer(
        async () =>
          source.bytes > partBytes
            ? putInParts(call, { name, source, partBytes }, signal)
            : putWhole(call, { name, source }, signal),
        async () => makeBucket(signal),
      ),
    async head(name, signal) {
      const reply = await call({ method: 'HEAD', key: name, signal });
      if (reply.status !== 200 && reply.status !== 404) throw refused(reply);
      await textOf(reply);
      if (reply.status === 404) return undefined;
      return { bytes: Number(reply.headers['content-length']), etag: etagOf(reply) };
    },
    get: (name, wanted, signal) =>
      rangedRead(
        async (extent) =>
          call({ method: 'GET', key: name, headers: rangeHeaders(extent, wanted.etag), signal }),
        wanted,
        signal,
      ),
    async remove(name, signal) {
      const reply = await call({ method: 'DELETE', key: name, signal });
      if (reply.status !== 204 && reply.status !== 200 && reply.status !== 404) throw refused(reply);
      await textOf(reply);
    },
    async *list(prefix, signal) {
      for (let token: string | undefined = ''; token !== undefined;) {
        const query = { 'list-type': '2', prefix, ...(token !== '' && { 'continuation-token': token }) };
        const reply = await call({ method: 'GET', key: '', query, signal });
        if (reply.status !== 200 && reply.status !== 404) throw refused(reply);
        const text = await textOf(reply);
        if (reply.status === 404) return;
        for (const [, entry = ''] of text.matchAll(/<Contents>(.*?)<\/Contents>/gs))
          yield {
            name: valueOf(entry, 'Key') ?? '',
            bytes: Number(valueOf(entry, 'Size')),
            etag: (valueOf(entry, 'ETag') ?? '').replaceAll('"', ''),
          };
        token = valueOf(text, 'NextContinuationToken');
      }
    },
    [Symbol.dispose]: () => http[Symbol.dispose](),
  };
}

async function putWhole(
  call: S3Call,
  { name, source }: { readonly name: string; readonly source: BucketSource },
  signal: AbortSignal,
): Promise<{ readonly etag: string } | typeof noContainer> {
  const { path, bytes, sha256, md5 } = source;
  const headers = { 'content-md5': Buffer.from(md5, 'hex').toString('base64') };
  const reply = await call({ method: 'PUT', key: name, headers, body: { path, bytes }, sha256, signal });
  if (reply.status === 404) {
    await textOf(reply);
    return noContainer;
  }
  if (reply.status !== 200) throw await failureOf(reply);
  await textOf(reply);
  const etag = etagOf(reply);
  if (etag !== md5 && !isEncrypted(reply)) throw arrivedDamaged();
  return { etag };
}
