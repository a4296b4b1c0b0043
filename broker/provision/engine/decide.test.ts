import {
  machineSpecSchema,
  poolIdSchema,
  providerIdSchema,
  resourceIdSchema,
  resourceSpecSchema,
  type ResourceSpec,
} from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.ts';
import type { Facts } from './decision.ts';
import {
  newStatus,
  newWish,
  type Intent,
  type ResourceRecord,
  type Status,
  type Thing,
  type Wish,
} from './model.ts';

const now = 1_000_000;
const spec = machineSpecSchema.parse({ kind: 'machine', role: 'render', image: 'i', size: 's' });

function record(status: Partial<Status> = {}, wish: Partial<Wish> = {}): ResourceRecord {
  return {
    id: resourceIdSchema.parse('render-1'),
    provider: providerIdSchema.parse('cloud'),
    pool: poolIdSchema.parse('render'),
    wish: { ...newWish(wish.spec ?? spec), ...wish },
    status: { ...newStatus(now - 60_000), ...status },
    ...{ createdAt: 0, changedAt: 0 },
  };
}

function thing(overrides: Partial<Thing> = {}, incarnation = 1): Thing {
  return {
    ...{ ref: 'ref-1', name: 'n', state: 'running', detail: 'ACTIVE', createdAt: new Date(now - 50_000) },
    tag: { owner: 'o', resource: 'render-1', incarnation },
    ...{ addresses: [], holder: null, cidrs: [] },
    ...overrides,
  };
}

const facts = (overrides: Partial<Facts> = {}): Facts => ({
  now,
  traits: { uniqueNames: false, idempotencyTokens: false, visibilityMs: 5_000, concurrency: 4 },
  ...{ intents: [], machineActions: ['start', 'stop', 'restart'], node: null, listeningSince: 0 },
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
  limits: { joinMs: 30_000, bootMs: 60_000, hungMs: 10_000, drainSettleMs: 100 },
  ...overrides,
});

const made = { sentAt: now - 50_000, acceptedAt: now - 49_000, fingerprint: '' };
const up = { ref: 'ref-1', made, phase: 'ready', runningSince: now - 40_000 } as const;
const intent = (overrides: Partial<Intent> = {}): Intent => ({
  ...{ id: 'op-1', resource: record().id, provider: record().provider, incarnation: 1, action: 'create' },
  ...{ name: 'n', state: 'pending', startedAt: now - 20_000, endedAt: null },
  ...overrides,
});
const node = (overrides: Partial<NonNullable<Facts['node']>> = {}): Facts['node'] => ({
  joinedAt: now - 30_000,
  seenAt: now - 500,
  slots: 1,
  liveSessions: 0,
  ...overrides,
});

describe('a create whose outcome is not known', () => {
  it('is adopted when the thing is found', () => {
    const { call, patch, settle } = decide(record(), [thing()], facts({ intents: [intent()] }));

    expect(call).toBeNull();
    expect(patch).toMatchObject({ ref: 'ref-1' });
    expect(settle).toMatchObject([{ id: 'op-1', state: 'succeeded' }]);
  });

  it.each(['uniqueNames', 'idempotencyTokens'] as const)(
    'is repeated as the same operation with %s',
    (trait) => {
      const traits = { ...facts().traits, [trait]: true };

      expect(decide(record(), [], facts({ traits, intents: [intent()] })).call).toEqual({
        action: 'create',
        operationId: 'op-1',
      });
    },
  );

  it('is never repeated otherwise: quarantined until it would have been seen, then tried anew', () => {
    const cutOff = decide(record(), [], facts({ intents: [intent()] }));
    const unknown = intent({ state: 'unknown', endedAt: now - 1_000 });
    const waiting = decide(record(), [], facts({ intents: [unknown] }));
    const over = decide(record(), [], facts({ intents: [{ ...unknown, endedAt: now - 5_001 }] }));

    expect(cutOff).toMatchObject({ phase: 'quarantined', call: null, settle: [{ state: 'unknown' }] });
    expect(waiting).toMatchObject({ phase: 'quarantined', call: null });
    expect(over).toMatchObject({ phase: 'planned', call: null, settle: [{ id: 'op-1', state: 'failed' }] });
  });

  it('that nobody wants any more is waited for, and not repeated', () => {
    const traits = { ...facts().traits, idempotencyTokens: true };
    const unknown = intent({ state: 'unknown', endedAt: now - 1_000 });

    expect(decide(record({}, { isWanted: false }), [], facts({ traits, intents: [unknown] }))).toMatchObject({
      phase: 'quarantined',
      call: null,
    });
  });
});

describe('what is there more than once', () => {
  it('keeps the one we know, else the oldest, and destroys the other', () => {
    const old = thing({ ref: 'old', createdAt: new Date(1) });
    const young = thing({ ref: 'young', createdAt: new Date(2) });

    expect(decide(record(), [young, old], facts()).call).toEqual({ action: 'destroy', ref: 'young' });
    expect(decide(record({ ...up, ref: 'young' }), [young, old], facts()).call).toEqual({
      action: 'destroy',
      ref: 'old',
    });
  });

  it('destroys older incarnations before it makes a new one', () => {
    const older = thing({ ref: 'older' }, 1);

    expect(decide(record({ incarnation: 2 }), [older], facts()).call).toEqual({
      action: 'destroy',
      ref: 'older',
    });
    expect(decide(record({ incarnation: 2 }), [{ ...older, state: 'stopping' }], facts())).toMatchObject({
      call: null,
    });
    expect(decide(record({ incarnation: 2 }), [], facts()).call).toMatchObject({ action: 'create' });
  });

  it('never destroys a volume for it', () => {
    const volume = { kind: 'volume', sizeGiB: 1, type: null, zone: null, source: { kind: 'blank' } } as const;
    const wish = { spec: { ...volume, attachedTo: null, holdsPatientData: true } satisfies ResourceSpec };
    const both = [thing(), thing({ ref: 'ref-2' })];

    expect(decide(record(up, wish), both, facts()).call).toBeNull();
    expect(decide(record({}, wish), both, facts()).call).toBeNull();
  });

  it('takes over what is newer than the database knows', () => {
    expect(decide(record(), [thing({}, 7)], facts()).patch).toMatchObject({ incarnation: 7 });
  });
});

describe('a machine that is not as it should be', () => {
  it('is replaced at once when it is gone, sessions or not', () => {
    const { patch, call } = decide(
      record(up),
      [],
      facts({ node: node({ liveSessions: 2 }), isBraked: true }),
    );

    expect(call).toBeNull();
    expect(patch).toMatchObject({ incarnation: 2, ref: null, crashes: 1, nextTryAt: null });
  });

  it('is replaced ever later when it crashes again and again', () => {
    const pauses = [1, 2, 5].map(
      (crashes) => decide(record({ ...up, crashes }), [], facts()).patch.nextTryAt ?? 0,
    );

    expect(pauses).toEqual([now + 1_000, now + 2_000, now + 16_000]);
  });

  it('is not taken for gone before it would have been seen', () => {
    const young = { ...up, made: { ...made, acceptedAt: now - 1_000 } };

    expect(decide(record(young), [], facts()).patch).not.toHaveProperty('incarnation');
  });

  it('that is silent is restarted first and replaced when that did not help', () => {
    const silent = facts({ node: node({ seenAt: now - 20_000 }) });

    expect(decide(record(up), [thing()], silent).call).toEqual({ action: 'restart', ref: 'ref-1' });
    expect(decide(record({ ...up, remediedAt: now - 10_000 }), [thing()], silent)).toMatchObject({
      call: null,
      phase: 'degraded',
    });
    expect(decide(record({ ...up, remediedAt: now - 31_000 }), [thing()], silent).patch).toMatchObject({
      incarnation: 2,
    });
  });

  it.each([
    ['a session lives on it', { node: node({ seenAt: now - 20_000, liveSessions: 1 }) }],
    ['the brake is on', { node: node({ seenAt: now - 20_000 }), isBraked: true }],
    ['nobody was there to hear it', { node: node({ seenAt: now - 20_000 }), listeningSince: now - 1_000 }],
  ])('that is silent is left alone while %s', (_why, more) => {
    const { call, patch } = decide(record(up), [thing()], facts(more));

    expect(call).toBeNull();
    expect(patch).not.toHaveProperty('incarnation');
  });

  it('that does not join in time is replaced, with the reason', () => {
    const late = decide(record({ ...up, phase: 'joining' }), [thing()], facts());

    expect(late).toMatchObject({
      reason: 'Replaced: It did not join within 30 s',
      patch: { incarnation: 2 },
    });
  });

  it('has not joined by what an earlier machine of that name did', () => {
    const before = node({ joinedAt: made.sentAt - 1 });

    expect(
      decide(record({ ...up, phase: 'joining', runningSince: now }), [thing()], facts({ node: before }))
        .phase,
    ).toBe('joining');
  });
});

describe('what is not wanted any more', () => {
  it('goes when its sessions have ended and placements before the drain have arrived', () => {
    const busy = decide(
      record(up, { isWanted: false }),
      [thing()],
      facts({ node: node({ liveSessions: 1 }) }),
    );
    const draining = { ...up, phase: 'draining', phaseSince: now - 50 } as const;
    const settling = decide(record(draining, { isWanted: false }), [thing()], facts({ node: node() }));
    const idle = decide(
      record({ ...draining, phaseSince: now - 100 }, { isWanted: false }),
      [thing()],
      facts({ node: node() }),
    );

    expect(busy).toMatchObject({ phase: 'draining', call: null, waiting: 'sessions' });
    expect(settling).toMatchObject({ phase: 'draining', call: null });
    expect(idle.call).toEqual({ action: 'destroy', ref: 'ref-1' });
  });

  it('is held when it may hold patient data', () => {
    const held = decide(record(up, { isWanted: false }), [thing()], facts({ mustHold: true }));

    expect(held).toMatchObject({ phase: 'held', call: null });
  });
});

describe('a floating address', () => {
  const one = { id: 'm-one', ref: 'ref-one' };
  const two = { id: 'm-two', ref: 'ref-two' };
  const address = {
    spec: resourceSpecSchema.parse({ kind: 'address', assignedTo: 'm-one', failover: ['m-two'] }),
    revision: 4,
  };
  const judge = (holder: string | null, more: Partial<Facts>, status: Partial<Status> = {}) =>
    decide(record({ ...up, ...status }, address), [thing({ holder })], facts(more));

  it('waits for its first machine to come up, and does not give itself to the next', () => {
    expect(judge(null, { takers: [two], awaited: 'm-one' })).toMatchObject({
      call: null,
      reason: 'Waits for m-one',
    });
    expect(judge(null, { takers: [two] }).call).toMatchObject({ action: 'assign', machineRef: two.ref });
  });

  it('that had to move stays with who has it in truth, until its wish changes', () => {
    const seen = { at: 0, state: 'running', detail: '', addresses: [], cidrs: [], holder: one.ref } as const;

    expect(judge(two.ref, { takers: [one, two] }, { seen, movedAtRevision: 4 }).call).toBeNull();
    expect(judge(two.ref, { takers: [one, two] }, { movedAtRevision: 3 }).call).toMatchObject({
      machineRef: one.ref,
    });
    expect(judge(two.ref, { takers: [one] }, { movedAtRevision: 4 }).call).toMatchObject({
      machineRef: one.ref,
    });
  });

  it('is left where it is while none of its machines is well', () => {
    expect(judge(one.ref, { takers: [] })).toMatchObject({ call: null, phase: 'degraded' });
  });

  it('is taken from its machine when nobody shall have it', () => {
    expect(judge(one.ref, { takers: null }).call).toEqual({ action: 'unassign', ref: 'ref-1' });
  });
});
