import { machineSpecSchema, providerIdSchema, resourceIdSchema } from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.ts';
import type { Decision, Facts } from './decision.ts';
import { newStatus, newWish, type Intent, type ResourceRecord, type Thing } from './model.ts';

/** What a broker's crash or the cloud does to one call. */
type Fate =
  'unseen' | 'ok' | 'crash-before' | 'crash-after' | 'lost-answer' | 'lost-request' | 'vanish' | 'late';
const fates: readonly Fate[] = [
  'unseen',
  'ok',
  'crash-before',
  'crash-after',
  'lost-answer',
  'lost-request',
  'vanish',
  'late',
];

const visibilityMs = 1_000;
const spec = machineSpecSchema.parse({ kind: 'machine', role: 'plain', image: 'i', size: 's' });

type World = {
  now: number;
  record: ResourceRecord;
  intents: Map<string, Intent>;
  cloud: { thing: Thing; visibleAt: number }[];
  tokens: Map<string, Thing>;
  operations: number;
};

/** One broker's pass, as the loop makes it: decide, note, call, note. `fate` says where it is cut off. */
function pass(world: World, fate: Fate, traits: Facts['traits']): void {
  const { now } = world;
  const things = world.cloud.filter(({ visibleAt }) => visibleAt <= now).map(({ thing }) => thing);
  const intents = [...world.intents.values()].filter(
    ({ state, action }) => state === 'pending' || (state === 'unknown' && action === 'create'),
  );
  const facts: Facts = {
    ...{ now, traits, intents, machineActions: [], node: null, listeningSince: 0 },
    ...{
      waitsFor: null,
      neededBy: null,
      mustHold: false,
      holder: null,
      takers: null,
      awaited: null,
      snapshotRef: null,
      isBraked: false,
    },
    limits: { joinMs: 1, bootMs: 1_000_000, hungMs: 1, drainSettleMs: 0 },
  };
  const made = decide(world.record, things, facts);
  const { phase, reason, patch } = made;
  world.record = { ...world.record, status: { ...world.record.status, ...patch, phase, reason } };
  for (const { id, state } of made.settle) {
    const intent = world.intents.get(id);
    if (intent) world.intents.set(id, { ...intent, state, endedAt: now });
  }
  if (made.call) undertake(world, made.call, { fate, traits });
}

/** Writes the intent, makes the call, writes how it ended, unless it is cut off. */
function undertake(
  world: World,
  call: NonNullable<Decision['call']>,
  { fate, traits }: { fate: Fate; traits: Facts['traits'] },
): void {
  const { now } = world;
  const repeated = call.action === 'create' ? call.operationId : null;
  const id = repeated ?? `op-${(world.operations += 1)}`;
  const intent: Intent = {
    ...{ id, resource: world.record.id, provider: world.record.provider, action: call.action, name: 'n' },
    ...{ incarnation: world.record.status.incarnation, state: 'pending', startedAt: now, endedAt: null },
  };
  world.intents.set(id, intent);
  if (fate === 'crash-before') return;
  const reaches = fate !== 'lost-request';
  const answer = reaches
    ? perform(world, { call, id, traits, isLate: ['unseen', 'late', 'crash-after'].includes(fate) })
    : undefined;
  if (fate === 'crash-after') return;
  if (fate === 'lost-answer' || fate === 'lost-request' || fate === 'late') {
    world.intents.set(id, { ...intent, state: 'unknown', endedAt: now });
    return;
  }
  world.intents.set(id, { ...intent, state: 'succeeded', endedAt: now });
  if (answer)
    world.record = {
      ...world.record,
      status: {
        ...world.record.status,
        ...{ ref: answer.ref, made: { sentAt: now, acceptedAt: now, fingerprint: '' } },
      },
    };
}

function perform(
  world: World,
  {
    call,
    id,
    traits,
    isLate,
  }: { call: { action: string; ref?: string }; id: string; traits: Facts['traits']; isLate: boolean },
): Thing | undefined {
  if (call.action === 'destroy') {
    world.cloud = world.cloud.filter(({ thing }) => thing.ref !== call.ref);
    return undefined;
  }
  const known = traits.idempotencyTokens ? world.tokens.get(id) : undefined;
  if (known && world.cloud.some(({ thing }) => thing.ref === known.ref)) return known;
  const thing: Thing = {
    ...{
      ref: `r-${world.operations}-${world.cloud.length}-${world.now}`,
      name: 'n',
      state: 'running',
      detail: '',
    },
    createdAt: new Date(world.now),
    tag: { owner: 'o', resource: world.record.id, incarnation: world.record.status.incarnation },
    ...{ addresses: [], holder: null, cidrs: [] },
  };
  world.tokens.set(id, thing);
  // Within the promise of the trait, as late as it may be.
  world.cloud.push({ thing, visibleAt: world.now + (isLate ? visibilityMs - 1 : 0) });
  return thing;
}

const newWorld = (): World => ({
  now: 1_000_000,
  record: {
    id: resourceIdSchema.parse('m-1'),
    provider: providerIdSchema.parse('cloud'),
    pool: null,
    wish: newWish(spec),
    status: newStatus(0),
    ...{ createdAt: 0, changedAt: 0 },
  },
  ...{ intents: new Map(), cloud: [], tokens: new Map(), operations: 0 },
});

describe('any interleaving of crashes, lost answers and lost machines', () => {
  const story = fc.array(
    fc.record({ fate: fc.constantFrom(...fates), pauseMs: fc.integer({ min: 0, max: 400 }) }),
    { maxLength: 25 },
  );

  it.each([true, false])(
    'never has two at once, and ends with one that is known (tokens honoured: %s)',
    (idempotencyTokens) => {
      const traits = { uniqueNames: false, idempotencyTokens, visibilityMs, concurrency: 1 };
      fc.assert(
        fc.property(story, (steps) => {
          const world = newWorld();
          for (const { fate, pauseMs } of steps) {
            if (fate === 'vanish') world.cloud = [];
            else pass(world, fate, traits);
            world.now += pauseMs;
            expect(world.cloud.length).toBeLessThanOrEqual(1);
          }
          for (let n = 0; n < 40; n += 1) {
            world.now += 400_000;
            pass(world, 'ok', traits);
          }
          expect(world.cloud.map(({ thing }) => thing.ref)).toEqual([world.record.status.ref]);
          expect(world.record.status.phase).toBe('ready');
        }),
        { numRuns: 400 },
      );
    },
  );

  it('ends with none when it is not wanted any more', () => {
    const traits = { uniqueNames: false, idempotencyTokens: false, visibilityMs, concurrency: 1 };
    fc.assert(
      fc.property(story, (steps) => {
        const world = newWorld();
        for (const { fate, pauseMs } of steps) {
          if (fate === 'vanish') world.cloud = [];
          else pass(world, fate, traits);
          world.now += pauseMs;
        }
        world.record = { ...world.record, wish: { ...world.record.wish, isWanted: false } };
        for (let n = 0; n < 40; n += 1) {
          world.now += 400_000;
          pass(world, 'ok', traits);
        }
        expect(world.cloud).toEqual([]);
        expect(world.record.status.phase).toBe('absent');
      }),
      { numRuns: 400 },
    );
  });
});
