import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { DamagedCopy, RefusedObject, type Bucket } from './bucket.ts';
import { refused, textOf, type HttpCall, type HttpClient, type HttpReply } from './http-client.ts';
import { etagOf, rangedRead, rangeHeaders } from './ranged-read.ts';

export type S3Settings = {
  /** Addressed by path, as every S3 service allows it: `<endpoint>/<bucket>/<key>`. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
};

const nothing = createHash('sha256').digest('hex');
type Call = Pick<HttpCall, 'method' | 'body' | 'signal'> & {
  readonly key: string;
  readonly query?: Record<string, string>;
  readonly headers?: Record<string, string>;
  /** Of the body, in hexadecimal. */
  readonly sha256?: string;
};

/** Objects by the S3 API: AWS, Ceph's gateway, Swift's, MinIO and the others. Each is one PUT, so up to 5 GiB. */
export function openS3Bucket(settings: S3Settings, http: HttpClient): Bucket {
  const { endpoint, bucket, region, accessKeyId, secretAccessKey } = settings;
  const base = new URL(endpoint.replace(/\/*$/, '/'));
  const signer = new SignatureV4({
    service: 's3',
    region,
    credentials: { accessKeyId, secretAccessKey },
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: true,
  });

  const call = async ({
    method,
    key,
    query = {},
    headers = {},
    body,
    sha256 = nothing,
    signal,
  }: Call): Promise<HttpReply> => {
    const url = new URL(key === '' ? bucket : `${bucket}/${key}`, base);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const signed = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query,
      // The server checks what arrives against this hash, which is part of what is signed.
      headers: { ...headers, host: url.host, 'x-amz-content-sha256': sha256 },
    });
    return http.call({ method, url, headers: signed.headers, signal, ...(body !== undefined && { body }) });
  };

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
    async put(name, { path, bytes, sha256, md5 }, signal) {
      const headers = { 'content-md5': Buffer.from(md5, 'hex').toString('base64') };
      const send = async (): Promise<HttpReply> =>
        call({ method: 'PUT', key: name, headers, body: { path, bytes }, sha256, signal });
      let reply = await send();
      if (reply.status === 404) {
        await textOf(reply);
        await makeBucket(signal);
        reply = await send();
      }
      if (reply.status !== 200) throw await failureOf(reply);
      await textOf(reply);
      const etag = etagOf(reply);
      // Under a key of a key service the ETag is another one; the signed hash was checked all the same.
      const isEncrypted = reply.headers['x-amz-server-side-encryption'] !== undefined;
      if (etag !== md5 && !isEncrypted) throw arrivedDamaged();
      return { etag };
    },
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

/** What a listing says is a handful of plain elements. */
function valueOf(xml: string, element: string): string | undefined {
  const text = new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1];
  return text
    ?.replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

async function failureOf(reply: HttpReply): Promise<Error> {
  if (reply.status !== 400 && reply.status !== 413) return refused(reply);
  const text = await textOf(reply);
  if (/BadDigest|ContentSHA256Mismatch/.test(text)) return arrivedDamaged();
  if (reply.status === 413 || text.includes('EntityTooLarge'))
    return new RefusedObject('The object is too long');
  return refused(reply);
}

function arrivedDamaged(): DamagedCopy {
  return new DamagedCopy('Other bytes arrived in the object store than were sent');
}

type Digest = { update(bytes: Uint8Array): unknown; digest(): Buffer };

/** What the signer wants of a hash, by Node's own. */
class Sha256 {
  #hash: Digest;
  readonly #fresh: () => Digest;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = secret === undefined || typeof secret === 'string' ? secret : bytesOf(secret);
    this.#fresh = () => (key === undefined ? createHash('sha256') : createHmac('sha256', key));
    this.#hash = this.#fresh();
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = this.#fresh();
  }
}

function bytesOf(secret: ArrayBuffer | ArrayBufferView): Buffer {
  return ArrayBuffer.isView(secret)
    ? Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength)
    : Buffer.from(secret);
}
