import { whatIfRequestSchema, type PoolView } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { daysInWords, draftFor, toRequest } from './draft.ts';

function pool(overrides: { slots: number | null; total: number; ready: number; max: number }): PoolView {
  const { slots, total, ready, max } = overrides;
  return {
    machine: { slots },
    slots: { total, used: 0 },
    counts: { ready },
    policy: { max },
  } as unknown as PoolView;
}

describe('a what-if question', () => {
  it('begins with the pool as it is', () => {
    const asked = draftFor(pool({ slots: null, total: 8, ready: 2, max: 9 }), 'Europe/Berlin');

    expect(asked).toMatchObject({ slotsPerNode: 4, nodesTo: 11, timeZone: 'Europe/Berlin' });
    expect(draftFor(pool({ slots: 3, total: 0, ready: 0, max: 1_000 }), 'UTC')).toMatchObject({
      ...{ slotsPerNode: 3, nodesTo: 40 },
    });
    expect(draftFor(undefined, 'UTC')).toMatchObject({ slotsPerNode: 1, nodesTo: 6 });
  });

  it('is one that the broker takes, whichever sessions it is about', () => {
    const draft = draftFor(undefined, 'UTC');

    for (const source of ['recorded', 'synthetic'] as const)
      expect(whatIfRequestSchema.safeParse(toRequest({ ...draft, source })).success).toBe(true);
    expect(
      toRequest({ ...draft, nodesFrom: 9, nodesTo: 3, failureHours: 0, breachPercent: 5 }),
    ).toMatchObject({
      ...{ nodes: { from: 9, to: 9 }, failureHours: null, breachShare: 0.05 },
    });
  });
});

describe('daysInWords', () => {
  it.each([
    [[1, 2, 3, 4, 5], 'Mon–Fri'],
    [[6, 7], 'Sat–Sun'],
    [[3, 1, 5], 'Mon, Wed, Fri'],
    [[1, 2, 7], 'Mon–Tue, Sun'],
  ])('%j is %s', (days, expected) => {
    expect(daysInWords(days, ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'])).toBe(expected);
  });
});
