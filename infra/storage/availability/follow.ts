import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@medusa/kernel';
import type { Logger } from 'pino';
import { parseFileMeta } from '../dicom/file-meta.ts';
import type { IndexDatabase } from '../index/index-database.ts';
import { holdsContent } from '../index/study-index.ts';
import { isStored, type Arrival, type Ingest } from '../ingest/ingest.ts';
import { refused, textOf, type HttpClient, type HttpReply } from '../objects/buckets/http-client.ts';
import { feedSchema, signPeerToken, type Feed, type PeerObject } from './peer-wire.ts';
import type { Rulings } from './rulings.ts';

type FollowDeps = {
  readonly nodeId: string;
  readonly secret: Uint8Array;
  readonly http: HttpClient;
  readonly index: IndexDatabase;
  readonly ingest: Ingest;
  readonly rulings: Pick<Rulings, 'adopt' | 'isRemoved'>;
  readonly log: Logger;
};
export type Peer = { readonly nodeId: string; readonly url: string };

/** Takes over what came to a peer, again and again, until it is disposed. */
export interface Following extends AsyncDisposable {
  /** When all that the peer had was here, the last time; undefined: never since the start. */
  currentAtMs(): number | undefined;
}

const lanes = 4;
const pauses = { firstMs: 200, mostMs: 5_000 };

/**
 * Each start walks through all that the peer has, which is a look at the index for what is here already: nothing has to be
 * remembered, and what was missed for any reason is found.
 */
export function follow(peer: Peer, deps: FollowDeps): Following {
  const ending = new AbortController();
  const log = deps.log.child({ peer: peer.nodeId });
  let currentAtMs: number | undefined;
  let known = { cursor: '0.0.0', indexId: '' };

  const isEnding = (): boolean => ending.signal.aborted;
  const turn = async (): Promise<void> => {
    const feed = await askFeed(peer, deps, { ...known, signal: ending.signal });
    if (feed.nodeId !== peer.nodeId) throw new Error(`It is ${feed.nodeId}`);
    deps.rulings.adopt(feed.rulings);
    const wanted = expect(feed.objects, deps);
    await inLanes(wanted, async (object) => takeOver(object, peer, { ...deps, log, signal: ending.signal }));
    known = { cursor: feed.cursor, indexId: feed.indexId };
    if (feed.isAll) currentAtMs = Date.now();
  };
  const run = async (): Promise<void> => {
    for (let attempt = 0; !isEnding();) {
      try {
        await turn();
        if (attempt > 0) log.info('the peer answers again');
        attempt = 0;
      } catch (error) {
        if (isEnding()) return;
        if (attempt === 0) log.warn({ reason: reasonOf(error) }, 'the peer does not give what it has');
        const pauseMs = backoffMs(attempt, Math.random(), pauses);
        attempt += 1;
        await delay(pauseMs, undefined, { signal: ending.signal }).catch(() => undefined);
      }
    }
  };
  const running = run();
  return {
    currentAtMs: () => currentAtMs,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await running;
    },
  };
}

/** Those that are not here. They are noted before they come: rules for what arrives are the affair of the node at which it arrived. */
function expect(objects: readonly PeerObject[], { index, rulings }: FollowDeps): readonly PeerObject[] {
  const wanted = objects.filter(
    (object) => !holdsContent(index, object.sha256) && !rulings.isRemoved(object),
  );
  if (wanted.length === 0) return wanted;
  index.transaction(() => {
    for (const { sopInstanceUID, studyInstanceUID } of wanted) {
      index.run('INSERT OR IGNORE INTO replica VALUES (?)', sopInstanceUID);
      if (!index.get('SELECT 1 FROM study WHERE study_instance_uid = ?', studyInstanceUID))
        index.run("INSERT OR IGNORE INTO prior VALUES (?, 'done')", studyInstanceUID);
    }
  });
  return wanted;
}

type Asking = { readonly cursor: string; readonly indexId: string; readonly signal: AbortSignal };

async function askFeed(peer: Peer, deps: FollowDeps, { cursor, indexId, signal }: Asking): Promise<Feed> {
  const reply = await ask(peer, deps, {
    path: `/peer/feed?after=${cursor}&index=${encodeURIComponent(indexId)}`,
    signal,
  });
  if (reply.status !== 200) throw refused(reply);
  return feedSchema.parse(JSON.parse(await textOf(reply)));
}

async function ask(
  { url }: Peer,
  { http, secret, nodeId }: FollowDeps,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
): Promise<HttpReply> {
  const headers = { authorization: `Bearer ${await signPeerToken(secret, nodeId)}` };
  return http.call({ method: 'GET', url: new URL(path, url), headers, signal });
}

/** @throws when it should be tried again */
async function takeOver(
  object: PeerObject,
  peer: Peer,
  deps: FollowDeps & { readonly signal: AbortSignal },
): Promise<void> {
  const { ingest, log, signal } = deps;
  const reply = await ask(peer, deps, { path: `/peer/objects/${object.sha256}`, signal });
  // Removed, or put into quarantine, in the meantime.
  if (reply.status === 404) return void reply.body.destroy();
  if (reply.status !== 200) throw refused(reply);
  await using held = new AsyncDisposableStack();
  held.defer(() => void reply.body.destroy());
  const arrival = await begun(reply.body, object, ingest);
  held.defer(async () => arrival.discard());
  const outcome = await arrival.complete();
  if (outcome.kind === 'out-of-space') throw noSpace();
  if (!isStored(outcome))
    log.error({ object: object.sha256, outcome: outcome.kind }, 'an object of a peer is not what it was');
}

/** All of its bytes, on their way in. */
async function begun(
  bytes: AsyncIterable<Buffer>,
  { sha256, receivedAt, receivedFrom }: PeerObject,
  ingest: Ingest,
): Promise<Arrival> {
  const sender = { receivedFrom, receivedAt, onlyContent: sha256, isReleased: true };
  let arrival: Arrival | undefined;
  let head = Buffer.alloc(0);
  try {
    for await (const chunk of bytes) {
      if (arrival) {
        await arrival.write(chunk);
        continue;
      }
      head = Buffer.concat([head, chunk]);
      const meta = parseFileMeta(head);
      if (!meta) continue;
      arrival = await ingest.begin(meta, sender, head.subarray(0, meta.dataOffset));
      if (!arrival) throw noSpace();
      await arrival.write(head.subarray(meta.dataOffset));
    }
    if (!arrival) throw new Error('It broke off');
    return arrival;
  } catch (error) {
    await arrival?.discard();
    throw error;
  }
}

function noSpace(): Error {
  return new Error('There is no space left here');
}

async function inLanes<In>(given: readonly In[], act: (one: In) => Promise<void>): Promise<void> {
  const left = given.values();
  const lane = async (): Promise<void> => {
    for (const one of left) await act(one);
  };
  const results = await Promise.allSettled(Array.from({ length: lanes }, lane));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

function reasonOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : { message: String(error), cause: undefined };
  return cause instanceof Error ? cause.message : message;
}
