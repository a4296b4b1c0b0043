import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { FrameLatency } from '@medusa/protocol';
import {
  followIndicators,
  frameIndicators,
  nodeIndicators,
  openAgreements,
  type Agreements,
} from './agreement/index.ts';
import type { NodeRegistry } from './node/index.ts';
import { createAgreementStore, createServiceStore, type Db } from './persistence/index.ts';
import type { Rooms } from './room/index.ts';
import type { SessionRecord, Sessions } from './session/index.ts';

type RunningAgreements = Disposable & {
  readonly agreements: Agreements;
  /** To be called once a minute: tells of the nodes, and judges what has become due. */
  readonly tick: () => Promise<void>;
  /** What a viewer saw of its session. */
  readonly tellFrames: (session: SessionRecord, samples: readonly FrameLatency[]) => Promise<void>;
};

/** Agreements that hear of sessions, rooms and nodes. */
export function startAgreements(deps: {
  readonly db: Db;
  readonly sessions: Sessions;
  readonly rooms: Rooms;
  readonly nodes: NodeRegistry;
  readonly log: Logger;
  readonly report: (error: unknown) => void;
}): RunningAgreements {
  const { db, sessions, rooms, nodes, log, report } = deps;
  const now = (): Date => new Date();
  const services = createServiceStore(db);
  const agreements = openAgreements({ store: createAgreementStore(db), now, newId: randomUUID, report });
  agreements.events.on('alerted', ({ agreementId, guarantee, kind, text }) =>
    log.warn({ agreementId, guarantee, kind, text }, 'an agreement raised an alert'),
  );
  const placeOf = async ({ nodeId }: SessionRecord) => ({
    provider: nodeId === null ? null : (nodes.view(nodeId)?.provider ?? null),
    services: nodeId === null ? [] : await services.servicesOf(nodeId),
  });
  const following = followIndicators({
    sessions: sessions.events,
    rooms: rooms.events,
    placeOf,
    record: agreements.record,
    report,
  });
  return {
    agreements,
    async tick() {
      await agreements.record(nodeIndicators(nodes.views(), now().getTime()));
      await agreements.evaluateDue();
    },
    async tellFrames(session, samples) {
      const told = { samples, nowMs: now().getTime() };
      await agreements.record(frameIndicators(session, await placeOf(session), told));
    },
    [Symbol.dispose]: () => following[Symbol.dispose](),
  };
}
