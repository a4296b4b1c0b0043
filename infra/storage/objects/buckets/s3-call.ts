import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { DamagedCopy, RefusedObject } from './bucket.ts';
import { refused, textOf, type HttpCall, type HttpClient, type HttpReply } from './http-client.ts';

export type S3Settings = {
  /** Addressed by path, as every S3 service allows it: `<endpoint>/<bucket>/<key>`. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
};

const nothing = createHash('sha256').digest('hex');
type Asked = Pick<HttpCall, 'method' | 'body' | 'signal'> & {
  readonly key: string;
  readonly query?: Record<string, string>;
  readonly headers?: Record<string, string>;
  /** Of the body, in hexadecimal. */
  readonly sha256?: string;
};

/** Asks for a key of the bucket, or with an empty one for the bucket itself. @throws AppError `storage.unreachable` */
export type S3Call = (asked: Asked) => Promise<HttpReply>;

export function openS3Call(settings: S3Settings, http: HttpClient): S3Call {
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

  return async ({ method, key, query = {}, headers = {}, body, sha256 = nothing, signal }) => {
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
}

/** What answers say is a handful of plain elements. */
export function valueOf(xml: string, element: string): string | undefined {
  const text = new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1];
  return text
    ?.replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

export async function failureOf(reply: HttpReply): Promise<Error> {
  if (reply.status !== 400 && reply.status !== 413) return refused(reply);
  const text = await textOf(reply);
  if (/BadDigest|ContentSHA256Mismatch/.test(text)) return arrivedDamaged();
  if (reply.status === 413 || text.includes('EntityTooLarge'))
    return new RefusedObject('The object is too long');
  return refused(reply);
}

export function arrivedDamaged(): DamagedCopy {
  return new DamagedCopy('Other bytes arrived in the object store than were sent');
}

/** Under a key of a key service the ETag is another one; the signed hash was checked all the same. */
export function isEncrypted({ headers }: HttpReply): boolean {
  return headers['x-amz-server-side-encryption'] !== undefined;
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
