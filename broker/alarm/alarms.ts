import type { Alarm, AlarmList, EntityStatus, NodeId, StorageHeartbeat } from '@medusa/protocol';
import type { Logger } from 'pino';
import { brokerActor, type AuditTrail } from '../audit/index.ts';
import type { NodeRegistry } from '../node/index.ts';
import { judge, type Condition, type SeenNode } from './judge.ts';

type NewAlarm = Omit<Alarm, 'id' | 'clearedAt'> & { readonly key: string };

/** Of each key one is open at most, whichever broker raised it. */
export interface AlarmStore {
  open(): Promise<readonly (Alarm & { readonly key: string })[]>;
  /** Undefined: another broker was first. */
  raise(alarm: NewAlarm): Promise<Alarm | undefined>;
  /** False: it is over already. */
  clear(key: string, at: string): Promise<boolean>;
  cleared(limit: number): Promise<readonly Alarm[]>;
}

/** What somebody should know of before users notice. Each is raised once and cleared by itself. */
export interface Alarms {
  heard(nodeId: NodeId, heartbeat: StorageHeartbeat): void;
  /** Called regularly. */
  tick(): Promise<void>;
  list(): Promise<AlarmList>;
}

type AlarmDeps = {
  readonly store: AlarmStore;
  readonly nodes: Pick<NodeRegistry, 'views' | 'hasLink'>;
  /** Titles that are asked by C-ECHO. */
  readonly watched: () => Promise<ReadonlySet<string>>;
  readonly audit: Pick<AuditTrail, 'record'>;
  readonly now: () => Date;
  readonly log: Logger;
  /** How long a condition must have been on, or off, before anything is said. */
  readonly holdMs: number;
};

type Heard = {
  readonly heartbeat: StorageHeartbeat;
  readonly damaged: number;
  readonly damagedAt: Date | undefined;
};

const shownCleared = 50;

export function createAlarms(deps: AlarmDeps): Alarms {
  const { store, nodes, now, log, holdMs } = deps;
  const heard = new Map<NodeId, Heard>();
  /** Since when a condition differs from what is open. */
  const changing = new Map<string, number>();

  const seenNodes = (): SeenNode[] =>
    nodes.views().flatMap(({ id: nodeId, kind, state }) => {
      if (kind !== 'storage') return [];
      const told = nodes.hasLink(nodeId) ? heard.get(nodeId) : undefined;
      const entities: readonly EntityStatus[] | undefined = told?.heartbeat.entities;
      return [
        {
          ...{ nodeId, state, entities, damagedAt: told?.damagedAt, health: told?.heartbeat.health },
          certificateEndsAt: told?.heartbeat.dicomCertificateEndsAt,
        },
      ];
    });
  const tell = async (what: 'raised' | 'cleared', alarm: Omit<NewAlarm, 'raisedAt'>): Promise<void> => {
    const { kind, subject, words, severity, nodeId } = alarm;
    log[what === 'raised' ? 'warn' : 'info']({ kind, subject, nodeId, severity }, `alarm ${what}`);
    await deps.audit.record({
      ...{ action: 'alarm.changed', actor: brokerActor, objectType: 'alarm', objectId: subject },
      detail: `${what} (${kind}): ${words}`,
    });
  };
  const settle = async (condition: Condition, isOpen: boolean): Promise<void> => {
    const { key, isOn, ...alarm } = condition;
    if (isOn === isOpen) {
      changing.delete(key);
      return;
    }
    const since = changing.get(key) ?? now().getTime();
    changing.set(key, since);
    if (now().getTime() - since < holdMs) return;
    changing.delete(key);
    const at = now().toISOString();
    const isOurs = isOn
      ? (await store.raise({ ...alarm, key, raisedAt: at })) !== undefined
      : await store.clear(key, at);
    if (isOurs) await tell(isOn ? 'raised' : 'cleared', { ...alarm, key });
  };

  return {
    heard(nodeId, heartbeat) {
      const before = heard.get(nodeId);
      const damaged = heartbeat.health?.copiesDamaged ?? 0;
      // What was found before this broker listened is news to it too.
      const isNew = damaged > (before && before.damaged <= damaged ? before.damaged : 0);
      heard.set(nodeId, { heartbeat, damaged, damagedAt: isNew ? now() : before?.damagedAt });
    },
    async tick() {
      const watched = await deps.watched();
      const seen = seenNodes();
      const conditions = judge(seen, watched, now());
      const open = await store.open();
      const openKeys = new Set(open.map(({ key }) => key));
      for (const condition of conditions) await settle(condition, openKeys.has(condition.key));
      const known = new Set(seen.map(({ nodeId }) => nodeId));
      for (const alarm of open)
        // There is nobody any more of whom it could turn out to be over.
        if (isGone(alarm, { watched, known })) await settle({ ...alarm, isOn: false }, true);
    },
    list: async () => ({
      open: [...(await store.open())],
      cleared: [...(await store.cleared(shownCleared))],
    }),
  };
}

function isGone(
  { kind, subject, nodeId }: Alarm,
  { watched, known }: { watched: ReadonlySet<string>; known: ReadonlySet<NodeId> },
): boolean {
  if (nodeId !== null && !known.has(nodeId)) return true;
  return kind === 'pacs-unreachable' && !watched.has(subject);
}
