import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { parseInput, recordingIdSchema, recordingListSchema } from '@medusa/protocol';
import { z } from 'zod';
import type { Recordings } from '../../recording/index.ts';
import { route, streamRoute, type RouteDefinition } from '../route.ts';

const byId = z.object({ id: recordingIdSchema });
const everybody = ['radiologist', 'doctor', 'admin'] as const;

export function recordingRoutes({ recordings }: { recordings: Recordings }): RouteDefinition[] {
  return [
    route({
      method: 'get',
      path: '/api/recordings',
      summary: 'Recordings that one is on, newest first; an administrator gets all',
      access: everybody,
      response: recordingListSchema,
      handle: async ({ caller }) => ({ body: { recordings: [...(await recordings.listFor(caller.user))] } }),
    }),
    streamRoute({
      method: 'get',
      path: '/api/recordings/:id/content',
      summary:
        'The film itself (MP4, H.264), for who asked for it and those who are on it and may record; Range is heeded',
      access: everybody,
      stream: async ({ caller, req, res, signal }) => {
        const film = await recordings.fetch(parseInput(byId, req.params).id, caller);
        const range = rangeOf(req.headers.range, film.bytes);
        res.set({
          'content-type': 'video/mp4',
          'accept-ranges': 'bytes',
          // What is on it is for those eyes alone.
          'cache-control': 'no-store',
          etag: `"${film.sha256}"`,
          'content-length': `${range.last - range.first + 1}`,
        });
        if (range.isPart) res.set('content-range', `bytes ${range.first}-${range.last}/${film.bytes}`);
        res.status(range.isPart ? 206 : 200);
        await pipeline(Readable.from(film.read(range), { objectMode: true, highWaterMark: 1 }), res, {
          signal,
        });
      },
    }),
    route({
      method: 'delete',
      path: '/api/recordings/:id',
      summary: 'Delete a recording before its time; for who asked for it and administrators',
      access: everybody,
      params: byId,
      response: z.object({}),
      handle: async ({ params, caller }) => {
        await recordings.delete(params.id, caller);
        return { body: {} };
      },
    }),
  ];
}

type ByteRange = { readonly first: number; readonly last: number; readonly isPart: boolean };

/** One range (RFC 9110 §14.1.2); whatever else is asked for gets all. */
function rangeOf(header: string | undefined, bytes: number): ByteRange {
  const end = bytes - 1;
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  const first = Number(from ?? bytes);
  const last = Math.min(to ? Number(to) : end, end);
  return first > last ? { first: 0, last: end, isPart: false } : { first, last, isPart: true };
}
