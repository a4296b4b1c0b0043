import { readFile } from 'node:fs/promises';
import type { TypedEmitter } from '@medusa/kernel';
import { nodeIdSchema } from '@medusa/protocol';
import type { Router } from 'express';
import { Gauge, type Registry } from 'prom-client';
import type { Logger } from 'pino';
import type { IndexDatabase } from '../index/index-database.ts';
import type { Ingest, IngestEvents } from '../ingest/ingest.ts';
import { openHttpClient } from '../objects/buckets/http-client.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { createConfirmations } from './confirmations.ts';
import { lastCursor } from './feed.ts';
import { follow, type Peer } from './follow.ts';
import { peerRoutes } from './peer-routes.ts';
import type { Rulings } from './rulings.ts';

type PeersConfig = {
  readonly nodeId: string;
  readonly peers: readonly Peer[];
  readonly peerSecretFile?: string | undefined;
};
type PeersDeps = {
  readonly index: IndexDatabase;
  readonly objects: ObjectStore;
  readonly ingest: Ingest;
  readonly events: TypedEmitter<IngestEvents>;
  readonly rulings: Rulings;
  readonly log: Logger;
};

/** The nodes that stand for this one: each takes over what comes to the others, through its own way in, durably. */
export interface Peers extends AsyncDisposable {
  /** Undefined: there are none. */
  readonly routes: Router | undefined;
  /** Resolves when the peers that are heard have all that is here now, or it has taken long enough. */
  handOver(limit: AbortSignal): Promise<void>;
  /** Whether all that the peers had a moment ago is here. */
  isCurrent(): boolean;
  registerMeters(registry: Registry): void;
}

/** One that does not answer in this time is gone; a feed waits for less. */
const silenceMs = 20_000;
const currentMs = 30_000;
const leastSecretBytes = 32;

export async function openPeers(config: PeersConfig, deps: PeersDeps): Promise<Peers> {
  const { peers, nodeId, peerSecretFile } = config;
  if (peers.length === 0 || peerSecretFile === undefined) return alone;
  const secret = Buffer.from((await readFile(peerSecretFile, 'utf8')).trim());
  if (secret.length < leastSecretBytes)
    throw new Error('The secret of the peers is shorter than 32 characters');
  await using opening = new AsyncDisposableStack();
  const { index, objects, events, rulings } = deps;
  const http = opening.use(openHttpClient({ silenceMs }));
  const confirmations = createConfirmations(peers.map((peer) => peer.nodeId));
  const followings = new Map(
    peers.map((peer) => [peer.nodeId, opening.use(follow(peer, { ...deps, nodeId, secret, http }))]),
  );
  const news = async (withinMs: number): Promise<void> =>
    new Promise((resolve) => {
      const listening = new DisposableStack();
      const wake = (): void => {
        listening.dispose();
        resolve();
      };
      const timer = setTimeout(wake, withinMs);
      listening.defer(() => clearTimeout(timer));
      listening.use(events.on('study.changed', wake));
      listening.use(rulings.events.on('made', wake));
    });
  const running = opening.move();
  return {
    routes: peerRoutes({ nodeId: nodeIdSchema.parse(nodeId), secret, index, objects, confirmations, news }),
    handOver: async (limit) => confirmations.reached(lastCursor(index), limit),
    isCurrent: () =>
      [...followings.values()].every((following) => Date.now() - (following.currentAtMs() ?? 0) < currentMs),
    registerMeters(registry) {
      const gauge = (name: string, help: string, read: (peer: string) => number | undefined): Gauge =>
        new Gauge({
          name: `medusa_storage_${name}`,
          help,
          labelNames: ['peer'],
          registers: [registry],
          collect() {
            for (const peer of peers) this.set({ peer: peer.nodeId }, read(peer.nodeId) ?? NaN);
          },
        });
      gauge('peer_behind', 'Objects that a peer may not have yet; NaN: it is not heard', (peer) =>
        confirmations.behind(peer, lastCursor(index)),
      );
      gauge('peer_seconds', 'Since all that a peer had was here', (peer) => {
        const atMs = followings.get(peer)?.currentAtMs();
        return atMs === undefined ? undefined : (Date.now() - atMs) / 1000;
      });
    },
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

const alone: Peers = {
  routes: undefined,
  handOver: async () => undefined,
  isCurrent: () => true,
  registerMeters: () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
};
