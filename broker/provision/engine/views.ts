import {
  resourceKindSchema,
  resourcePhaseSchema,
  type PoolView,
  type Power,
  type ProviderView,
  type ResourceKind,
  type ResourcePhase,
  type ResourceView,
} from '@medusa/protocol';
import {
  fingerprintOf,
  kindOf,
  type NodeFact,
  type PoolRecord,
  type ProviderRecord,
  type ResourceRecord,
} from './model.ts';

type Nodes = ReadonlyMap<string, NodeFact>;

export function toResourceView(
  record: ResourceRecord,
  { nodes, typical }: { nodes: Nodes; typical: ReadonlyMap<string, number> },
): ResourceView {
  const { id, provider, pool, wish, status, createdAt, changedAt } = record;
  const { phase, reason, incarnation, ref, seen, nextTryAt } = status;
  const power = kindOf(record) === 'machine' && seen ? powers[seen.state] : undefined;
  return {
    ...{ id, provider, pool, phase, reason, incarnation, ref },
    spec: wish.spec,
    isWanted: wish.isWanted,
    addresses: [...(seen?.addresses ?? [])],
    ...(power === undefined ? {} : { power }),
    waiting: waitingOf(record, typical),
    liveSessions: nodes.get(id)?.liveSessions ?? 0,
    nextTryAt: nextTryAt === null ? null : new Date(nextTryAt).toISOString(),
    createdAt: new Date(createdAt).toISOString(),
    changedAt: new Date(changedAt).toISOString(),
  };
}

const powers: Readonly<Partial<Record<NonNullable<ResourceRecord['status']['seen']>['state'], Power>>> = {
  running: 'on',
  stopped: 'off',
  suspended: 'suspended',
};

/** The end of a destroy has a name of its own, apart from the call's. */
function waitingOf(record: ResourceRecord, typical: ReadonlyMap<string, number>): ResourceView['waiting'] {
  const { waiting } = record.status;
  if (!waiting) return null;
  const step = `${kindOf(record)}.${waiting.step}`;
  const timed = waiting.step === 'destroy' ? `${kindOf(record)}.gone` : step;
  const since = new Date(waiting.since).toISOString();
  return { step, since, typicalSeconds: typical.get(`${record.provider} ${timed}`) ?? null };
}

export function toProviderView(record: ProviderRecord, resources: readonly ResourceRecord[]): ProviderView {
  const { id, kind, title, settings, credentials, isEnabled } = record;
  const { state, reason, version, latencyMs, checkedAt, quotas, capabilities } = record.health;
  const own = resources.filter(({ provider }) => provider === id);
  return {
    ...{ id, kind, title, isEnabled },
    settings: { ...settings },
    hasCredentials: credentials !== null,
    capabilities: [...capabilities],
    health: { state, reason, version, latencyMs, checkedAt },
    quotas: [...quotas],
    counts: countBy(resourceKindSchema.options, own, kindOf),
  };
}

export function toPoolView(
  { id, wanted, status }: PoolRecord,
  { resources, nodes }: { resources: readonly ResourceRecord[]; nodes: Nodes },
): PoolView {
  const own = resources.filter(({ pool }) => pool === id);
  const wish = fingerprintOf(wanted.machine);
  const slotsOf = (node: string): number => nodes.get(node)?.slots ?? wanted.machine.slots ?? 0;
  const ready = own.filter((record) => record.status.phase === 'ready');
  return {
    ...wanted,
    id,
    target: status.target,
    targetReason: status.targetReason,
    counts: countBy<ResourcePhase>(resourcePhaseSchema.options, own, (record) => record.status.phase),
    slots: {
      total: ready.reduce((sum, record) => sum + slotsOf(record.id), 0),
      used: own.reduce((sum, record) => sum + (nodes.get(record.id)?.liveSessions ?? 0), 0),
    },
    isBraked: status.isBraked,
    outdated: own.filter(({ status: { made } }) => made !== null && made.fingerprint !== wish).length,
  };
}

function countBy<Key extends ResourceKind | ResourcePhase>(
  keys: readonly Key[],
  records: readonly ResourceRecord[],
  keyOf: (record: ResourceRecord) => Key,
): Record<Key, number> {
  const counts = Object.fromEntries(keys.map((key) => [key, 0])) as Record<Key, number>;
  for (const record of records) counts[keyOf(record)] += 1;
  return counts;
}
