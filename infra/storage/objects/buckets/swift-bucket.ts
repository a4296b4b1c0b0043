import { z } from 'zod';
import { RefusedObject, type Bucket, type BucketSource } from './bucket.ts';
import { refused, textOf, type HttpClient } from './http-client.ts';
import { inMadeContainer, noContainer } from './made-container.ts';
import { etagOf, rangedRead, rangeHeaders } from './ranged-read.ts';
import type { SwiftSettings } from './swift-account.ts';
import { openSwiftCall, type SwiftCall } from './swift-call.ts';
import { arrivedDamaged, putInSegments, removeSegments } from './swift-segments.ts';

const listingSchema = z.array(
  z.object({ name: z.string(), bytes: z.number(), hash: z.string(), slo_etag: z.string().optional() }),
);

/** Objects in a container by OpenStack's Object Storage API v1. @param partBytes what is longer is sent in segments of this length */
export function openSwiftBucket(settings: SwiftSettings, http: HttpClient, partBytes: number): Bucket {
  const call = openSwiftCall(settings, http);

  const makeContainer = async (signal: AbortSignal): Promise<void> => {
    const reply = await call({ method: 'PUT', name: '', signal });
    if (reply.status !== 201 && reply.status !== 202) throw refused(reply);
    await textOf(reply);
  };

  async function* list(prefix: string, signal: AbortSignal): ReturnType<Bucket['list']> {
    for (let marker = ''; ;) {
      const query = { format: 'json', prefix, marker };
      const reply = await call({ method: 'GET', name: '', query, signal });
      if (reply.status === 404 || reply.status === 204) {
        await textOf(reply);
        return;
      }
      if (reply.status !== 200) throw refused(reply);
      const listed = listingSchema.parse(JSON.parse(await textOf(reply)));
      // Of an object in segments the other one is of its manifest.
      for (const { name, bytes, hash, slo_etag: whole } of listed)
        yield { name, bytes, etag: whole?.replaceAll('"', '') ?? hash };
      const last = listed.at(-1);
      if (!last) return;
      marker = last.name;
    }
  }
  const place = { call, container: settings.container, names: list };

  return {
    put: async (name, source, signal) =>
      inMadeContainer(
        async () =>
          source.bytes > partBytes
            ? putInSegments(place, { name, source, partBytes }, signal)
            : putWhole(call, { name, source }, signal),
        async () => makeContainer(signal),
      ),
    async head(name, signal) {
      const reply = await call({ method: 'HEAD', name, signal });
      if (reply.status !== 200 && reply.status !== 404) throw refused(reply);
      await textOf(reply);
      if (reply.status === 404) return undefined;
      return { bytes: Number(reply.headers['content-length']), etag: etagOf(reply) };
    },
    get: (name, wanted, signal) =>
      rangedRead(
        async (extent) => call({ method: 'GET', name, headers: rangeHeaders(extent, wanted.etag), signal }),
        wanted,
        signal,
      ),
    async remove(name, signal) {
      const reply = await call({ method: 'DELETE', name, signal });
      if (reply.status !== 204 && reply.status !== 404) throw refused(reply);
      await textOf(reply);
      await removeSegments(place, name);
    },
    list,
    [Symbol.dispose]: () => http[Symbol.dispose](),
  };
}

async function putWhole(
  call: SwiftCall,
  { name, source }: { readonly name: string; readonly source: BucketSource },
  signal: AbortSignal,
): Promise<{ readonly etag: string } | typeof noContainer> {
  const { path, bytes, md5 } = source;
  // Swift compares it with what arrives, and keeps nothing else (422).
  const headers = { etag: md5, 'content-type': 'application/dicom' };
  const reply = await call({ method: 'PUT', name, headers, body: { path, bytes }, signal });
  if (reply.status === 404) {
    await textOf(reply);
    return noContainer;
  }
  if (reply.status === 413) {
    reply.body.destroy();
    throw new RefusedObject('The object is too long');
  }
  if (reply.status === 422 || (reply.status === 201 && etagOf(reply) !== md5)) throw arrivedDamaged(reply);
  if (reply.status !== 201) throw refused(reply);
  await textOf(reply);
  return { etag: md5 };
}
