import type {
  NodeId,
  PoolId,
  ProviderId,
  ProvisionEvent,
  PutPool,
  ResourceId,
  ResourceKind,
  WarmSource,
} from '@medusa/protocol';
import type { ProviderFault } from '../port/index.ts';
import type {
  Intent,
  NewEvent,
  NodeFact,
  PoolRecord,
  PoolStatus,
  ProviderRecord,
  ResourceRecord,
  Status,
  Wish,
} from './model.ts';

export type Topic = 'resource' | 'provider' | 'pool';

/** The right of one broker to work on one thing. Whoever claims it later makes this one void: its writes are refused. */
export type Claim<T extends string = Topic> = {
  readonly topic: T;
  readonly id: string;
  readonly token: string;
  /** Kicks seen when it was claimed: one that came later is not lost. */
  readonly kicks: number;
};

export type Claimed<T extends string = Topic> = Claim<T> & { readonly lane: string };

/** How much may be taken of each lane, and of every lane that is not named. */
export type Room = { readonly of: Readonly<Record<string, number>>; readonly others: number };

/** Thrown by writes under a claim that another broker has taken over. */
export class ClaimLost extends Error {
  constructor(claim: Claim<string>) {
    super(`The claim on ${claim.topic} ${claim.id} is void`);
    this.name = 'ClaimLost';
  }
}

/** What there is to do, shared by all brokers. Times are the database's. */
export interface WorkStore<T extends string = Topic> {
  /**
   * Takes what is due and free, as much of each lane (provider ids; '' for what asks no provider) as there is room for, and tells in
   * how many ms the next is due. `instance`: the number of this broker's presence, see `Presence`.
   */
  claim(
    room: Room,
    options: { instance: number; leaseMs: number },
  ): Promise<{ readonly claims: readonly Claimed<T>[]; readonly nextInMs: number | null }>;
  /** Gives it back, to be looked at again in so many ms, or at once when it was kicked meanwhile; null: only when kicked. */
  release(claim: Claim<T>, againInMs: number | null): Promise<void>;
  /** Makes it due now, for whichever broker is first. */
  kick(topic: T, ids: readonly string[]): Promise<void>;
}

/** Shows the other brokers that this one lives: its claims are free once it does not. */
export interface Presence extends AsyncDisposable {
  readonly instance: number;
  /** Aborts when the presence is lost, e.g. the database was restarted: all claims are void then. */
  readonly lost: AbortSignal;
}

/** What other brokers (and this one) tell. */
export type Notice =
  { readonly kind: 'work' | 'service' | 'changed' } | { readonly kind: 'node'; readonly nodeId: NodeId };

export type Settlement = {
  readonly id: string;
  readonly state: 'succeeded' | 'failed' | 'unknown';
  readonly fault: ProviderFault | null;
  readonly detail: string;
};

/** One write under a claim: all of it or nothing, and nothing when the claim is void. */
export type Write = {
  readonly status?: Status;
  readonly provider?: ProviderId;
  readonly intent?: Intent;
  readonly settle?: readonly Settlement[];
  readonly events?: readonly NewEvent[];
  readonly leaseMs?: number;
};

/** What a decision about one resource rests on. */
export type Look = {
  readonly record: ResourceRecord;
  readonly provider: ProviderRecord;
  readonly pool: PoolRecord | undefined;
  /** Others that its wish names, and those whose wishes name it; none that is gone. */
  readonly related: readonly ResourceRecord[];
  /** Of its own. */
  readonly intents: readonly Intent[];
  /** Of the node by its name, whether or not it is one. */
  readonly node: NodeFact | undefined;
};

export interface ProvisionStore {
  /** The name of this installation at providers: 8 characters of a–z and 0–9, the same for ever. */
  owner(): Promise<string>;

  providers(): Promise<readonly ProviderRecord[]>;
  provider(id: ProviderId): Promise<ProviderRecord | undefined>;
  /** Creates or replaces; `credentials` undefined keeps what is stored. */
  putProvider(
    record: Omit<ProviderRecord, 'credentials' | 'health' | 'revision'> & { credentials?: string },
  ): Promise<ProviderRecord>;
  setHealth(id: ProviderId, health: ProviderRecord['health']): Promise<void>;
  removeProvider(id: ProviderId): Promise<void>;

  pools(): Promise<readonly PoolRecord[]>;
  pool(id: PoolId): Promise<PoolRecord | undefined>;
  putPool(id: PoolId, wanted: PutPool): Promise<PoolRecord>;
  /** It empties itself. */
  dismissPool(id: PoolId): Promise<void>;
  removePool(id: PoolId): Promise<void>;
  setPoolStatus(id: PoolId, change: (status: PoolStatus) => PoolStatus): Promise<void>;

  resource(id: ResourceId): Promise<ResourceRecord | undefined>;
  look(id: ResourceId): Promise<Look | undefined>;
  resources(filter: {
    readonly kind?: ResourceKind;
    readonly provider?: ProviderId;
    readonly pool?: PoolId;
    readonly ids?: readonly string[];
    /** Those that are gone too: the newest 200 of them, or all of the `ids`. */
    readonly withAbsent?: boolean;
  }): Promise<readonly ResourceRecord[]>;
  /**
   * Wants something new, all of it or nothing; an id that is gone is taken up again with its next incarnation. Answers those that were
   * not there; `event` is written for each of them.
   */
  insert(
    records: readonly Pick<ResourceRecord, 'id' | 'provider' | 'pool' | 'wish'>[],
    event: (id: ResourceId) => Omit<NewEvent, 'provider' | 'resource'>,
  ): Promise<readonly ResourceRecord[]>;
  /** A thing found at a provider that nobody knows of and that must not be deleted: shown as `held`. */
  insertHeld(record: ResourceRecord, event: NewEvent): Promise<void>;
  /** Reads, changes, writes and kicks as one. Throws `resource.unknown`; a throwing `change` writes nothing. */
  changeWish(
    id: ResourceId,
    change: (record: ResourceRecord) => Wish,
    event?: NewEvent,
  ): Promise<ResourceRecord>;
  openIntents(
    of: { readonly resource: ResourceId } | { readonly provider: ProviderId },
  ): Promise<readonly Intent[]>;
  write(claim: Claim, write: Write): Promise<void>;

  log(query: {
    readonly provider?: ProviderId;
    readonly resource?: ResourceId;
    readonly before?: number;
    readonly limit: number;
  }): Promise<readonly ProvisionEvent[]>;
  append(events: readonly NewEvent[]): Promise<void>;
  /** Medians of the last successes, by `provider step`, in seconds. */
  typicalSeconds(): Promise<ReadonlyMap<string, number>>;
  /** Forgets events and settled intents older than the days given. */
  prune(days: number): Promise<void>;

  nodes(ids: readonly string[]): Promise<ReadonlyMap<string, NodeFact>>;
  /** Sessions that wait for a slot. */
  waitingSessions(): Promise<number>;
  /** Slots that are to be kept warm in a pool now, for these reasons. */
  warmSlots(pool: PoolId, sources: readonly WarmSource[]): Promise<number>;
  /** Streamed sessions asked for in the last days, by the quarter of an hour, and how long they last on average. */
  arrivals(days: number): Promise<{
    readonly requests: readonly { readonly at: Date; readonly count: number }[];
    readonly meanHoldSeconds: number;
  }>;
}
