import type { ResourceKind } from '@medusa/protocol';
import type { Item, OwnerTag } from '../port/index.ts';

/** Something the provider holds. `tag` is null when it bears none of ours. */
export type Seen = Pick<Item, 'ref' | 'name' | 'state'> & {
  readonly kind: ResourceKind;
  readonly tag: OwnerTag | null;
};

/** What is stored about a desired resource; also when it is `absent`. */
export type SweepRow = {
  readonly kind: ResourceKind;
  readonly resource: string;
  readonly incarnation: number;
  readonly ref: string | null;
  readonly isAbsent: boolean;
  /** Volumes and their snapshots: a person decides about them. */
  readonly holdsPatientData: boolean;
};

/** A call whose outcome is not recorded: what it may have made is not ours to take away yet. */
type SweepIntent = Pick<SweepRow, 'kind' | 'resource' | 'incarnation'>;

/** What a sweep has to remember of things that nobody claims, by `kind/ref`. */
type Remembered = { readonly since: Date; readonly tries: number; readonly triedAt: Date | null };
export type SweepMemory = ReadonlyMap<string, Remembered>;

/** A provider takes its time over what it was told to destroy: it is not told again all the while. */
const againMs = 30_000;

export type SweepWish = { readonly kind: ResourceKind; readonly ref: string; readonly name: string };

export type SweepPlan = {
  readonly destroy: readonly SweepWish[];
  readonly hold: readonly SweepWish[];
  readonly memory: SweepMemory;
};

export type SweepInput = {
  readonly owner: string;
  readonly now: Date;
  /** How long a thing must have been seen unclaimed. Longer than any accepted create stays unrecorded. */
  readonly horizonMs: number;
  /** At most so many are destroyed in one sweep. */
  readonly cap: number;
  /** Listed before `rows` and `intents` were read: what is written down later is not missed. */
  readonly seen: readonly Seen[];
  readonly rows: readonly SweepRow[];
  readonly intents: readonly SweepIntent[];
  /** `kind/ref` of held things that a person let go. */
  readonly released: ReadonlySet<string>;
  readonly memory: SweepMemory;
};

const removalOrder: Readonly<Record<ResourceKind, number>> = {
  machine: 0,
  snapshot: 1,
  volume: 2,
  address: 3,
  'security-group': 4,
  network: 5,
  image: 6,
};

export const sweepKey = ({ kind, ref }: { kind: ResourceKind; ref: string }): string => `${kind}/${ref}`;

/**
 * What to take away of a provider: things with our tag that no row and no open intent claims, for `horizonMs` by our own clock
 * (the provider's may be wrong). Volumes and snapshots may hold patients' data: they are held until a person lets them go.
 * What could not be destroyed last time comes after what was not tried yet, so that it cannot stand in its way.
 */
export function planSweep(input: SweepInput): SweepPlan {
  const isClaimed = claims(input);
  const memory = new Map<string, Remembered>();
  const due: Seen[] = [];
  const hold: SweepWish[] = [];
  for (const item of input.seen) {
    const key = sweepKey(item);
    if (item.state === 'terminated' || memory.has(key) || isClaimed(item)) continue;
    const known = input.memory.get(key) ?? { since: input.now, tries: 0, triedAt: null };
    memory.set(key, known);
    if (!isDue(known, input)) continue;
    if (isHeld(item, input)) hold.push(wish(item));
    else due.push(item);
  }
  const rank = (item: Seen): { since: number; tries: number } => {
    const { since, tries } = memory.get(sweepKey(item)) ?? { since: input.now, tries: 0 };
    return { since: since.getTime(), tries };
  };
  const destroy = due
    .map((item) => ({ item, ...rank(item) }))
    .sort(
      (a, b) =>
        a.tries - b.tries || a.since - b.since || removalOrder[a.item.kind] - removalOrder[b.item.kind],
    )
    .slice(0, input.cap);
  for (const { item, since, tries } of destroy)
    memory.set(sweepKey(item), { since: new Date(since), tries: tries + 1, triedAt: input.now });
  return { destroy: destroy.map(({ item }) => wish(item)), hold, memory };
}

function isDue({ since, triedAt }: Remembered, { now, horizonMs }: SweepInput): boolean {
  const ago = (at: Date): number => now.getTime() - at.getTime();
  return ago(since) >= horizonMs && (triedAt === null || ago(triedAt) >= againMs);
}

const wish = ({ kind, ref, name }: Seen): SweepWish => ({ kind, ref, name });

/** Whether somebody wants a thing, or may have made it, or it is not ours. */
function claims({ owner, rows, intents }: SweepInput): (item: Seen) => boolean {
  const incarnationKey = ({ kind, resource, incarnation }: SweepIntent): string =>
    `${kind}/${resource}/${incarnation}`;
  const present = rows.filter(({ isAbsent }) => !isAbsent);
  const refs = new Set(present.flatMap(({ kind, ref }) => (ref === null ? [] : [`${kind}/${ref}`])));
  // A row that does not know its thing yet may find it by the tag.
  const unsettled = new Set([...present.filter(({ ref }) => ref === null), ...intents].map(incarnationKey));
  return ({ kind, ref, tag }) =>
    tag?.owner !== owner || refs.has(`${kind}/${ref}`) || unsettled.has(incarnationKey({ kind, ...tag }));
}

function isHeld(item: Seen, { rows, released }: SweepInput): boolean {
  if (item.kind !== 'volume' && item.kind !== 'snapshot') return false;
  if (released.has(sweepKey(item))) return false;
  // Whose row says that it holds none: the row is `absent` by now, or has another thing.
  const known = rows.filter(({ kind, resource }) => kind === item.kind && resource === item.tag?.resource);
  return known.length === 0 || known.some(({ holdsPatientData }) => holdsPatientData);
}
