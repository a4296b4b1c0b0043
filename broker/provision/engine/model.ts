import {
  poolPolicySchema,
  type PoolId,
  type PoolPolicy,
  type ProviderId,
  type ProviderKind,
  type ProviderQuota,
  type ProvisionEvent,
  type PutPool,
  type ResourceAction,
  type ResourceId,
  type ResourceKind,
  type ResourcePhase,
  type ResourceSpec,
} from '@medusa/protocol';
import type { Item, ItemState, ProviderFault } from '../port/index.ts';

/** What a person or a policy wants of one resource. Written by the facade and by the pools, never by the loop. */
export type Wish = {
  readonly spec: ResourceSpec;
  readonly isWanted: boolean;
  /** Gets no new session. */
  readonly isDraining: boolean;
  /** A thing that may hold patient data goes only when a person has let it go. */
  readonly isReleased: boolean;
  /** Something to be done once; done when `Status.answered` is its id. */
  readonly ask: Ask | null;
  /** Counts the changes: a fault that asking again cannot help is asked again after a change only. */
  readonly revision: number;
};

export type Ask = {
  readonly id: string;
  readonly action: Extract<ResourceAction['action'], 'restart' | 'replace' | 'revert'>;
  /** Revert: the snapshot. */
  readonly resource: ResourceId | null;
};

/** What the loop knows. Written by who holds the claim only. */
export type Status = {
  readonly phase: ResourcePhase;
  readonly phaseSince: number;
  readonly reason: string;
  readonly incarnation: number;
  readonly ref: string | null;
  readonly seen: Seen | null;
  /** What the present incarnation was made from; when its create was sent, and when it was known to be accepted. */
  readonly made: {
    readonly sentAt: number;
    readonly acceptedAt: number;
    readonly fingerprint: string;
  } | null;
  /** When the machine was first seen running: the time to join counts from here. */
  readonly runningSince: number | null;
  /** Failures in succession; the next try is not before `nextTryAt`. */
  readonly attempts: number;
  readonly nextTryAt: number | null;
  /** The wish that failed: another one is tried at once. */
  readonly failedRevision: number | null;
  /** A fault that asking again cannot help, and the wish that had it. */
  readonly blocked: { readonly fault: ProviderFault; readonly revision: number } | null;
  readonly waiting: { readonly step: string; readonly since: number } | null;
  readonly answered: string | null;
  /** Replacements in quick succession: the next ones wait longer and longer. */
  readonly crashes: number;
  /** An address that had to move stays where it is for as long as its wish does not change. */
  readonly movedAtRevision: number | null;
  /** When the machine was restarted because it was silent; replaced when that did not help. */
  readonly remediedAt: number | null;
};

/** The thing at the provider as last seen. Times are ms since the epoch. */
type Seen = {
  readonly at: number;
  readonly state: ItemState;
  readonly detail: string;
  readonly addresses: readonly string[];
  /** Of a volume or a floating address: the provider's id of the machine that has it. */
  readonly holder: string | null;
  readonly cidrs: readonly string[];
};

export type ResourceRecord = {
  readonly id: ResourceId;
  readonly provider: ProviderId;
  readonly pool: PoolId | null;
  readonly wish: Wish;
  readonly status: Status;
  readonly createdAt: number;
  readonly changedAt: number;
};

/** What the loop needs of anything at a provider. */
export type Thing = Item & {
  readonly addresses: readonly string[];
  readonly holder: string | null;
  readonly cidrs: readonly string[];
};

/** Written before each call that changes something: after a crash it tells that the call may have been made. */
export type Intent = {
  /** Also the operation's id at the provider. */
  readonly id: string;
  readonly resource: ResourceId;
  readonly provider: ProviderId;
  readonly incarnation: number;
  readonly action: IntentAction;
  readonly name: string;
  readonly state: 'pending' | 'succeeded' | 'failed' | 'unknown';
  readonly startedAt: number;
  readonly endedAt: number | null;
};
type IntentAction =
  | 'create'
  | 'destroy'
  | 'start'
  | 'stop'
  | 'restart'
  | 'suspend'
  | 'resume'
  | 'attach'
  | 'detach'
  | 'revert'
  | 'assign'
  | 'unassign';

/** What the node's own link tells of a machine. */
export type NodeFact = {
  /** When it last registered, and was last heard. */
  readonly joinedAt: number | null;
  readonly seenAt: number | null;
  readonly slots: number | null;
  readonly liveSessions: number;
};

export type ProviderRecord = {
  readonly id: ProviderId;
  readonly kind: ProviderKind;
  readonly title: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Sealed; see `credentials`. */
  readonly credentials: string | null;
  readonly isEnabled: boolean;
  /** Counts the changes: an open driver of an older one is closed. */
  readonly revision: number;
  readonly health: {
    readonly state: 'unknown' | 'reachable' | 'failing';
    readonly reason: string;
    readonly version: string | null;
    readonly latencyMs: number | null;
    readonly checkedAt: string | null;
    readonly quotas: readonly ProviderQuota[];
    readonly capabilities: readonly string[];
  };
};

export type PoolRecord = {
  readonly id: PoolId;
  readonly wanted: PutPool;
  /** A removed pool empties itself, then its row goes. */
  readonly isWanted: boolean;
  readonly status: PoolStatus;
};
export type PoolStatus = {
  readonly target: number;
  readonly targetReason: string;
  readonly isBraked: boolean;
  /** Since when there are more nodes than the target. */
  readonly surplusSince: number | null;
  /** Providers that had no capacity, and until when they are not asked. */
  readonly excluded: readonly {
    readonly provider: ProviderId;
    readonly until: number;
    readonly reason: string;
  }[];
};

export type NewEvent = Omit<ProvisionEvent, 'sequence' | 'at'> & { readonly step?: string };

export const kindOf = ({ wish }: Pick<ResourceRecord, 'wish'>): ResourceKind => wish.spec.kind;

export function newStatus(now: number, incarnation = 1): Status {
  return {
    phase: 'planned',
    phaseSince: now,
    reason: 'Wanted and not there',
    incarnation,
    ref: null,
    seen: null,
    made: null,
    runningSince: null,
    attempts: 0,
    nextTryAt: null,
    failedRevision: null,
    blocked: null,
    waiting: null,
    answered: null,
    crashes: 0,
    movedAtRevision: null,
    remediedAt: null,
  };
}

export function newWish(spec: ResourceSpec): Wish {
  return { spec, isWanted: true, isDraining: false, isReleased: false, ask: null, revision: 1 };
}

export const newPoolStatus: PoolStatus = {
  target: 0,
  targetReason: '',
  isBraked: false,
  surplusSince: null,
  excluded: [],
};

/** A pool of a fixed size. */
export function fixedSize(nodes: number): PoolPolicy {
  return poolPolicySchema.parse({ min: nodes, max: nodes, scaleDownAfterSeconds: 0 });
}

type SpecOf<Kind extends ResourceKind> = Extract<ResourceSpec, { kind: Kind }>;
type ByKind<Value> = { readonly [Kind in ResourceKind]: (spec: SpecOf<Kind>) => Value };

/** Picks by the kind of the wish; each function sees its own kind of wish only. */
export function byKind<Value>(table: ByKind<Value>, spec: ResourceSpec): Value {
  return (table[spec.kind] as (spec: ResourceSpec) => Value)(spec);
}

const named = (id: string | null): string[] => (id === null ? [] : [id]);
const mentionsOf: ByKind<string[]> = {
  machine: ({ networks, securityGroups, image }) => [
    ...networks.filter((network) => !network.startsWith('ref:')),
    ...securityGroups,
    image,
  ],
  volume: ({ attachedTo, source }) => [
    ...named(attachedTo),
    ...(source.kind === 'blank' ? [] : [source.resource]),
  ],
  snapshot: ({ volume }) => [volume],
  address: ({ assignedTo, failover }) => [...named(assignedTo), ...failover],
  network: () => [],
  'security-group': () => [],
  image: () => [],
};

/** Other resources of ours that a wish names. */
export const mentions = (spec: ResourceSpec): string[] => byKind(mentionsOf, spec);

/** Whether a change of the wish needs another thing at the provider. */
export function fingerprintOf(spec: ResourceSpec): string {
  if (spec.kind !== 'machine') return '';
  const { image, size, zone, networks, securityGroups, revision } = spec;
  return JSON.stringify([image, size, zone, networks, securityGroups, revision]);
}
