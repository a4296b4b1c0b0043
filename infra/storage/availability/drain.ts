import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { DimseServer } from '../dimse/dimse-server.ts';
import type { HttpsServers } from '../dicomweb/https-server.ts';
import type { Peers } from './peers.ts';

type DrainDeps = {
  readonly times: { readonly drainNoticeSeconds: number; readonly drainSeconds: number };
  /** Where readers come from; when it is gone they are sent elsewhere. */
  readonly link: Disposable;
  readonly https: Pick<HttpsServers, 'leaveShared'>;
  readonly dimse: Pick<DimseServer, 'drain' | 'associations'>;
  readonly peers: Pick<Peers, 'handOver'>;
  readonly log: Logger;
};

/** The way out of a node that others stand for, so that nobody notices: nothing new, then what is under way, then what only it has. */
export interface Drain {
  isReady(): boolean;
  /** At most so long as the settings say. */
  begin(deps: DrainDeps): Promise<void>;
}

export function createDrain(): Drain {
  let draining: Promise<void> | undefined;
  return {
    isReady: () => draining === undefined,
    async begin(deps) {
      await (draining ??= drain(deps));
    },
  };
}

async function drain({ times, link, https, dimse, peers, log }: DrainDeps): Promise<void> {
  log.info({ associations: dimse.associations() }, 'storage node takes nothing new');
  link[Symbol.dispose]();
  await delay(times.drainNoticeSeconds * 1000);
  https.leaveShared();
  const limit = AbortSignal.timeout(times.drainSeconds * 1000);
  await dimse.drain(limit);
  await peers.handOver(limit);
  log.info({ associations: dimse.associations(), isLate: limit.aborted }, 'storage node is drained');
}
