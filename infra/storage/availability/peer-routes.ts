import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { AppError, parseInput } from '@medusa/protocol';
import { Router } from 'express';
import { z } from 'zod';
import type { IndexDatabase } from '../index/index-database.ts';
import { holdsContent, indexIdOf } from '../index/study-index.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Confirmations } from './confirmations.ts';
import { behind, cursorOf, feedAfter, lastCursor } from './feed.ts';
import { feedQuerySchema, peerOf, type Feed } from './peer-wire.ts';

type PeerRoutesDeps = {
  readonly nodeId: Feed['nodeId'];
  readonly secret: Uint8Array;
  readonly index: IndexDatabase;
  readonly objects: Pick<ObjectStore, 'read'>;
  readonly confirmations: Confirmations;
  /** Resolves when something may have come, or after so many milliseconds. */
  readonly news: (withinMs: number) => Promise<void>;
};

/** A peer that hears nothing for so long asks again. */
const patienceMs = 5_000;
const objectSchema = z.string().regex(/^[0-9a-f]{64}$/);

/** What the nodes that stand for each other ask each other. */
export function peerRoutes(deps: PeerRoutesDeps): Router {
  const { nodeId, secret, index, objects, confirmations, news } = deps;
  const router = Router();
  router.use(async (req, res, next) => {
    const token = /^Bearer (.+)$/i.exec(req.get('authorization') ?? '')?.[1] ?? '';
    try {
      res.locals['peer'] = await peerOf(secret, token);
    } catch (error) {
      throw new AppError('identity.rejected', 'The token is not that of a peer', { cause: error });
    }
    res.set('Cache-Control', 'no-store');
    next();
  });
  router.get('/feed', async (req, res) => {
    const query = parseInput(feedQuerySchema, req.query);
    // Of another index: what it had is not what we have.
    const after = cursorOf(query.index === indexIdOf(index) ? query.after : '0.0.0');
    confirmations.confirm(String(res.locals['peer']), after);
    const until = Date.now() + patienceMs;
    for (let left = patienceMs; left > 0 && !res.closed; left = until - Date.now()) {
      if (behind(after, lastCursor(index)) > 0) break;
      await news(left);
    }
    if (res.closed) return;
    const feed = feedAfter(index, after);
    // A peer must not know of what a crash may undo.
    await index.durable();
    res.json({ nodeId, ...feed } satisfies Feed);
  });
  router.get('/objects/:sha256', async (req, res) => {
    const sha256 = parseInput(objectSchema, req.params.sha256);
    if (!holdsContent(index, sha256)) throw new AppError('object.unknown', 'There is no such object here');
    res.type('application/dicom');
    await pipeline(Readable.from(copied(objects.read(sha256))), res);
  });
  return router;
}

/** A piece is good until the next one is asked for, and a stream reads ahead. */
async function* copied(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of pieces) yield Buffer.from(piece);
}
