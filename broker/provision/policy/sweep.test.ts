import type { ResourceKind } from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planSweep, sweepKey, type Seen, type SweepInput, type SweepMemory, type SweepRow } from './index.ts';

const owner = 'ours';
const start = new Date('2026-01-01T00:00Z').getTime();
const horizonMs = 120_000;

const none: SweepInput = {
  owner,
  now: new Date(start),
  horizonMs,
  cap: 10,
  seen: [],
  rows: [],
  intents: [],
  released: new Set(),
  memory: new Map(),
};

const machine = (ref: string, options: Partial<Seen> = {}): Seen => ({
  kind: 'machine',
  ref,
  name: ref,
  state: 'running',
  tag: { owner, resource: ref, incarnation: 1 },
  ...options,
});

const row = (resource: string, options: Partial<SweepRow> = {}): SweepRow => ({
  kind: 'machine',
  resource,
  incarnation: 1,
  ref: resource,
  isAbsent: false,
  holdsPatientData: true,
  ...options,
});

/** What two sweeps, further apart than the horizon, take away. */
function swept(input: Partial<SweepInput>): { destroy: string[]; hold: string[] } {
  const first = planSweep({ ...none, ...input });
  expect(first.destroy).toEqual([]);
  const now = new Date(start + horizonMs);
  const { destroy, hold } = planSweep({ ...none, ...input, now, memory: first.memory });
  return { destroy: destroy.map(({ ref }) => ref), hold: hold.map(({ ref }) => ref) };
}

describe('planSweep', () => {
  it('takes away what no row claims, once it was seen for longer than the horizon', () => {
    expect(swept({ seen: [machine('a'), machine('b')], rows: [row('a')] }).destroy).toEqual(['b']);
    expect(swept({ seen: [machine('a')], rows: [row('a', { isAbsent: true })] }).destroy).toEqual(['a']);
  });

  it('takes away the twin of a machine, and an incarnation that was replaced', () => {
    const twin = machine('twin', { tag: { owner, resource: 'a', incarnation: 1 } });
    const old = machine('old', { tag: { owner, resource: 'a', incarnation: 0 } });

    expect(swept({ seen: [machine('a'), twin, old], rows: [row('a')] }).destroy).toEqual(['twin', 'old']);
  });

  it('leaves what an open intent may have made, and what a row is still to find', () => {
    const born = machine('x', { tag: { owner, resource: 'a', incarnation: 2 } });
    const intent = { kind: 'machine', resource: 'a', incarnation: 2 } as const;

    expect(swept({ seen: [born], rows: [row('a')], intents: [intent] }).destroy).toEqual([]);
    expect(swept({ seen: [born], rows: [row('a', { incarnation: 2, ref: null })] }).destroy).toEqual([]);
  });

  it('holds volumes and snapshots for a person, unless their row says that they hold no data', () => {
    const volume = machine('v', { kind: 'volume' });
    const snapshot = machine('s', { kind: 'snapshot' });
    const scratch = row('v', { kind: 'volume', isAbsent: true, holdsPatientData: false });

    expect(swept({ seen: [volume, snapshot] })).toEqual({ destroy: [], hold: ['v', 's'] });
    expect(swept({ seen: [volume], rows: [scratch] })).toEqual({ destroy: ['v'], hold: [] });
    expect(swept({ seen: [volume], released: new Set(['volume/v']) })).toEqual({ destroy: ['v'], hold: [] });
  });

  it('tries what failed after what was not tried yet', () => {
    const seen = ['a', 'b', 'c'].map((ref) => machine(ref));
    let { memory } = planSweep({ ...none, seen });
    const tried = [1, 2, 3, 4].map((times) => {
      const plan = planSweep({ ...none, seen, memory, cap: 1, now: new Date(start + times * horizonMs) });
      memory = plan.memory;
      return plan.destroy.map(({ ref }) => ref).join();
    });

    expect(tried).toEqual(['a', 'b', 'c', 'a']);
  });

  it('gives a provider time to destroy what it was told to', () => {
    const seen = [machine('a')];
    let { memory } = planSweep({ ...none, seen });
    const told = [0, 2_000, 29_000, 31_000].map((laterMs) => {
      const plan = planSweep({ ...none, seen, memory, now: new Date(start + horizonMs + laterMs) });
      memory = plan.memory;
      return plan.destroy.length;
    });

    expect(told).toEqual([1, 0, 0, 1]);
  });

  it('deletes nothing that it must not and, in time, everything that it must: 100 000 random sweeps', () => {
    const sweepsEach = 25;
    let sweeps = 0;
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        sweeps += runWorld(randomOf(seed), sweepsEach);
      }),
      { numRuns: 100_000 / sweepsEach },
    );
    expect(sweeps).toBeGreaterThanOrEqual(100_000);
  });
});

type Random = (below: number) => number;

/** mulberry32 */
function randomOf(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below) | 0;
  };
}

/** Why a thing is there is known from how it came about, not worked out from the tables as the plan does. */
type Truth = {
  readonly item: Seen;
  fate: 'foreign' | 'wanted' | 'maybe' | 'orphan' | 'held';
  readonly isStuck: boolean;
};

const kinds: readonly ResourceKind[] = ['machine', 'volume', 'snapshot', 'network', 'address', 'image'];

type World = {
  truths: Truth[];
  rows: Map<string, SweepRow>;
  intents: Map<string, SweepInput['intents'][number]>;
};

function addThing(world: World, random: Random, number: number): void {
  const { truths, rows, intents } = world;
  const kind = kinds[random(kinds.length)] ?? 'machine';
  const resource = `r${random(6)}-${kind}`;
  const incarnation = 1 + random(3);
  const ref = `ref-${number}`;
  const tag = { owner, resource, incarnation };
  const add = (fate: Truth['fate'], options: Partial<Seen> = {}): void => {
    const state = random(4) ? 'running' : 'error';
    truths.push({ item: { kind, ref, name: ref, state, tag, ...options }, fate, isStuck: random(8) === 0 });
  };
  const id = `${kind}/${resource}`;
  const isTaken =
    rows.has(id) || truths.some(({ item }) => item.kind === kind && item.tag?.resource === resource);
  const known = { kind, resource, incarnation, isAbsent: false, holdsPatientData: true };
  const choice = random(5);
  if (choice === 0) {
    add('foreign', random(2) ? { tag: null } : { tag: { ...tag, owner: 'other' } });
  } else if (choice === 1 && !isTaken) {
    rows.set(id, { ...known, ref });
    add('wanted');
  } else if (choice === 2 && !isTaken) {
    // Accepted by the provider, and the broker ended before it wrote that down.
    rows.set(id, { ...known, ref: null });
    intents.set(id, { kind, resource, incarnation });
    add('maybe');
  } else if (choice > 2) {
    // Another incarnation than any that is wanted or under way.
    add(unclaimed(kind), { tag: { ...tag, incarnation: incarnation + 10 } });
  }
}

const unclaimed = (kind: ResourceKind): Truth['fate'] =>
  kind === 'volume' || kind === 'snapshot' ? 'held' : 'orphan';

/** Life goes on between two sweeps. */
function change({ truths, rows, intents }: World, random: Random): void {
  for (const truth of truths) {
    const { kind, tag, ref } = truth.item;
    const id = `${kind}/${tag?.resource ?? ''}`;
    const row = rows.get(id);
    if (!row || random(4) > 0) continue;
    if (truth.fate === 'maybe') {
      rows.set(id, { ...row, ref });
      intents.delete(id);
      truth.fate = 'wanted';
    } else if (truth.fate === 'wanted' && random(2)) {
      // Its row was given up without the thing: what a crash between the two leaves.
      rows.set(id, { ...row, isAbsent: true });
      truth.fate = unclaimed(kind);
    }
  }
}

function runWorld(random: Random, sweeps: number): number {
  const world: World = { truths: [], rows: new Map(), intents: new Map() };
  const cap = 1 + random(4);
  const stepMs = 20_000 + random(60_000);
  let memory: SweepMemory = new Map();
  let added = 0;
  const sweep = (index: number): void => {
    // Pages of a list may come twice.
    const seen = world.truths.flatMap(({ item }) => (random(6) ? [item] : [item, item]));
    const plan = planSweep({
      ...none,
      now: new Date(start + index * stepMs),
      cap,
      seen,
      rows: [...world.rows.values()],
      intents: [...world.intents.values()],
      memory,
    });
    memory = plan.memory;
    if (plan.destroy.length > cap) throw new Error('more than the cap');
    const keys = new Set(plan.destroy.map(sweepKey));
    if (keys.size !== plan.destroy.length) throw new Error('the same thing twice');
    const hit = world.truths.filter(({ item }) => keys.has(sweepKey(item)));
    const wrong = hit.find(({ fate }) => fate !== 'orphan');
    if (wrong) throw new Error(`swept what is ${wrong.fate}: ${JSON.stringify(wrong.item)}`);
    const held = new Set(plan.hold.map(sweepKey));
    if (world.truths.some(({ item, fate }) => held.has(sweepKey(item)) && fate !== 'held'))
      throw new Error('held what is not to be held');
    world.truths = world.truths.filter(({ item, isStuck }) => isStuck || !keys.has(sweepKey(item)));
  };
  for (let index = 0; index < sweeps; index += 1) {
    for (let more = random(3); more > 0; more -= 1) addThing(world, random, (added += 1));
    change(world, random);
    sweep(index);
  }
  // Nothing new any more: within the horizon and two turns through all that is left, only what cannot be destroyed is there.
  const left = world.truths.length;
  const last = sweeps + Math.ceil(horizonMs / stepMs) + Math.ceil((2 * left) / cap) + 1;
  for (let index = sweeps; index < last; index += 1) sweep(index);
  const missed = world.truths.find(({ fate, isStuck }) => fate === 'orphan' && !isStuck);
  if (missed) throw new Error(`never swept: ${JSON.stringify(missed.item)}`);
  return last;
}
