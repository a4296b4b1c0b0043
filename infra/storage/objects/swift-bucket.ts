import { z } from 'zod';
import { DamagedCopy, RefusedObject, type Bucket } from './bucket.ts';
import {
  refused,
  textOf,
  unreachable,
  type HttpCall,
  type HttpClient,
  type HttpReply,
} from './http-client.ts';
import { etagOf, rangedRead, rangeHeaders } from './ranged-read.ts';
import { openSwiftAccount, type SwiftSettings } from './swift-account.ts';

type Call = Pick<HttpCall, 'method' | 'body' | 'signal'> & {
  readonly name: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
};

const listingSchema = z.array(z.object({ name: z.string(), bytes: z.number(), hash: z.string() }));

/** Objects in a container by OpenStack's Object Storage API v1. Each is one PUT, so up to the cluster's limit, by default 5 GiB. */
export function openSwiftBucket(settings: SwiftSettings, http: HttpClient): Bucket {
  const account = openSwiftAccount(settings, http);

  const attempt = async ({ name, query, headers, body, ...call }: Call): Promise<HttpReply | 'expired'> => {
    const access = await account.access(call.signal);
    const container = `${access.storageUrl}/${encodeURIComponent(settings.container)}`;
    const url = new URL(name === '' ? container : `${container}/${name}`);
    for (const [key, value] of Object.entries(query ?? {})) url.searchParams.set(key, value);
    const reply = await http.call({
      ...call,
      url,
      headers: { ...headers, 'x-auth-token': access.token },
      ...(body !== undefined && { body }),
    });
    if (reply.status !== 401) return reply;
    account.refuse(access);
    reply.body.destroy();
    return 'expired';
  };
  /** Tokens can be withdrawn before their end. */
  const call = async (asked: Call): Promise<HttpReply> => {
    const first = await attempt(asked);
    if (first !== 'expired') return first;
    const second = await attempt(asked);
    if (second !== 'expired') return second;
    throw unreachable('The object store takes no token of ours');
  };

  const makeContainer = async (signal: AbortSignal): Promise<void> => {
    const reply = await call({ method: 'PUT', name: '', signal });
    if (reply.status !== 201 && reply.status !== 202) throw refused(reply);
    await textOf(reply);
  };

  return {
    async put(name, { path, bytes, md5 }, signal) {
      // Swift compares it with what arrives, and keeps nothing else (422).
      const headers = { etag: md5, 'content-type': 'application/dicom' };
      const send = async (): Promise<HttpReply> =>
        call({ method: 'PUT', name, headers, body: { path, bytes }, signal });
      let reply = await send();
      if (reply.status === 404) {
        await textOf(reply);
        await makeContainer(signal);
        reply = await send();
      }
      if (reply.status === 422) throw arrivedDamaged(reply);
      if (reply.status === 413) {
        reply.body.destroy();
        throw new RefusedObject('The object is too long');
      }
      if (reply.status !== 201) throw refused(reply);
      if (etagOf(reply) !== md5) throw arrivedDamaged(reply);
      await textOf(reply);
      return { etag: md5 };
    },
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
    },
    async *list(prefix, signal) {
      for (let marker = ''; ;) {
        const query = { format: 'json', prefix, marker };
        const reply = await call({ method: 'GET', name: '', query, signal });
        if (reply.status === 404 || reply.status === 204) {
          await textOf(reply);
          return;
        }
        if (reply.status !== 200) throw refused(reply);
        const listed = listingSchema.parse(JSON.parse(await textOf(reply)));
        for (const { name, bytes, hash } of listed) yield { name, bytes, etag: hash };
        const last = listed.at(-1);
        if (!last) return;
        marker = last.name;
      }
    },
    [Symbol.dispose]: () => http[Symbol.dispose](),
  };
}

function arrivedDamaged({ body }: HttpReply): DamagedCopy {
  body.destroy();
  return new DamagedCopy('Other bytes arrived in the object store than were sent');
}
