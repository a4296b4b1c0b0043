import { resourceKindSchema, type ResourceKind } from '@medusa/protocol';
import type { OwnerTag } from '../../port/index.ts';

type KindCounts = Readonly<Record<ResourceKind, number>>;

/** What was there in truth, whatever the cloud answers. A thing counts until its destruction is accepted. */
export type Truth = {
  readonly created: KindCounts;
  readonly destroyed: KindCounts;
  readonly alive: KindCounts;
  readonly aliveByOwner: Readonly<Record<string, KindCounts>>;
  /** Of one resource, or of one incarnation of it, more than one was there at once at any time: `owner/kind/resource` and how many. */
  readonly doubledResources: Readonly<Record<string, number>>;
  readonly doubledIncarnations: Readonly<Record<string, number>>;
};

type Counted = { readonly kind: ResourceKind; readonly tag: OwnerTag };
type Tally = { now: number; most: number };

export function keepTruth(): { born(thing: Counted): void; gone(thing: Counted): void; tell(): Truth } {
  const created = zeros();
  const destroyed = zeros();
  const owners = new Map<string, Record<ResourceKind, number>>();
  const resources = new Map<string, Tally>();
  const incarnations = new Map<string, Tally>();
  const change = ({ kind, tag }: Counted, by: 1 | -1): void => {
    const ofOwner = owners.get(tag.owner) ?? zeros();
    ofOwner[kind] += by;
    owners.set(tag.owner, ofOwner);
    const resource = `${tag.owner}/${kind}/${tag.resource}`;
    step(resources, resource, by);
    step(incarnations, `${resource}/${tag.incarnation}`, by);
  };
  return {
    born(thing) {
      created[thing.kind] += 1;
      change(thing, 1);
    },
    gone(thing) {
      destroyed[thing.kind] += 1;
      change(thing, -1);
    },
    tell: () => ({
      created: { ...created },
      destroyed: { ...destroyed },
      alive: eachKind((kind) => created[kind] - destroyed[kind]),
      aliveByOwner: Object.fromEntries(Array.from(owners, ([owner, counts]) => [owner, { ...counts }])),
      doubledResources: doubled(resources),
      doubledIncarnations: doubled(incarnations),
    }),
  };
}

function step(tallies: Map<string, Tally>, key: string, by: 1 | -1): void {
  const { now, most } = tallies.get(key) ?? { now: 0, most: 0 };
  tallies.set(key, { now: now + by, most: Math.max(most, now + by) });
}

function doubled(tallies: ReadonlyMap<string, Tally>): Record<string, number> {
  return Object.fromEntries(
    Array.from(tallies, ([key, { most }]) => [key, most] as const).filter(([, most]) => most > 1),
  );
}

export function eachKind<Value>(of: (kind: ResourceKind) => Value): Record<ResourceKind, Value> {
  return Object.fromEntries(resourceKindSchema.options.map((kind) => [kind, of(kind)])) as Record<
    ResourceKind,
    Value
  >;
}

const zeros = (): Record<ResourceKind, number> => eachKind(() => 0);
