import type { AuditAction, AuditEvent } from '@medusa/protocol';
import { verifyChain, type AuditEntry, type ChainVerdict } from './chain.ts';

export type AuditActor = { readonly id: string; readonly name: string; readonly address: string };

export type AuditFact = {
  readonly action: AuditAction;
  readonly outcome?: AuditEvent['outcome'];
  readonly actor: AuditActor;
  readonly objectType: string;
  readonly objectId: string;
  readonly detail?: string;
};

export type AuditFilter = {
  readonly action?: AuditAction | undefined;
  readonly actorId?: string | undefined;
  readonly objectId?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit: number;
  /** Only lines with a smaller sequence number: the next page. */
  readonly before?: number | undefined;
};

/** Where the trail is kept. `append` chains and stores one line at a time, also with several writers. */
export interface AuditStore {
  append(entry: AuditEntry): Promise<AuditEvent>;
  list(filter: AuditFilter): Promise<readonly AuditEvent[]>;
  /** All lines in order of `sequence`. */
  lines(): AsyncIterable<AuditEvent>;
  /** True the first time a login is seen. */
  markLoginSeen(loginId: string): Promise<boolean>;
}

/**
 * The append-only record of who did what (cf. DICOM PS3.15 §A.5).
 * `record` resolves when the line is stored: an act that must be audited waits for it, and fails when it cannot be written.
 */
export interface AuditTrail {
  record(fact: AuditFact): Promise<void>;
  /** One line for the same actor, study and context a minute: 500 frames are one reading. */
  recordStudyRead(reading: { actor: AuditActor; studyInstanceUID: string; context: string }): Promise<void>;
  /** One line a minute for the same fact, so that a flood of refusals cannot fill the disk. */
  recordOncePerMinute(fact: AuditFact): Promise<void>;
  recordLoginOnce(loginId: string, actor: AuditActor): Promise<void>;
  list: AuditStore['list'];
  verify(): Promise<ChainVerdict>;
}

/** The actor of what the broker does by itself. */
export const brokerActor: AuditActor = { id: 'medusa-broker', name: 'Medusa broker', address: '' };

const coalesceMs = 60_000;
/** What was asked by in a query is a part of it. */
const mostDetail = 4_000;
const mostRemembered = 20_000;

export function createAuditTrail(store: AuditStore, now: () => Date): AuditTrail {
  const recent = new Map<string, Promise<void>>();
  const loginsSeen = new Set<string>();

  const record = async (fact: AuditFact): Promise<void> => {
    await store.append({
      at: now().toISOString(),
      action: fact.action,
      outcome: fact.outcome ?? 'success',
      actorId: fact.actor.id,
      actorName: fact.actor.name,
      actorAddress: fact.actor.address,
      objectType: fact.objectType,
      objectId: fact.objectId,
      detail: (fact.detail ?? '').slice(0, mostDetail),
    });
  };

  const recordOncePerMinute = async (fact: AuditFact): Promise<void> => {
    const minute = Math.floor(now().getTime() / coalesceMs);
    const { action, actor, objectType, objectId, detail = '' } = fact;
    const key = [minute, action, actor.id, actor.address, objectType, objectId, detail].join('|');
    const known = recent.get(key);
    if (known) {
      await known;
      return;
    }
    const recording = record(fact);
    recent.set(key, recording);
    forgetOldest(recent);
    try {
      await recording;
    } catch (error) {
      recent.delete(key);
      throw error;
    }
  };

  return {
    record,
    recordOncePerMinute,
    recordStudyRead: async ({ actor, studyInstanceUID, context }) =>
      recordOncePerMinute({
        action: 'study.read',
        actor,
        objectType: 'study',
        objectId: studyInstanceUID,
        detail: context,
      }),
    async recordLoginOnce(loginId, actor) {
      if (loginsSeen.has(loginId)) return;
      const isFirst = await store.markLoginSeen(loginId);
      loginsSeen.add(loginId);
      if (loginsSeen.size > mostRemembered) loginsSeen.clear();
      if (isFirst) await record({ action: 'user.login', actor, objectType: 'user', objectId: actor.id });
    },
    list: async (filter) => store.list(filter),
    verify: async () => verifyChain(store.lines()),
  };
}

function forgetOldest(recent: Map<string, Promise<void>>): void {
  const [oldest] = recent.keys();
  if (recent.size > mostRemembered && oldest !== undefined) recent.delete(oldest);
}
