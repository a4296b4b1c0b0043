import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admit, type AdmissionFacts, type Applicant, type KeptSlots } from './admission.ts';

const minute = 60_000;
const now = 1_000 * minute;

function one(id: string, overrides: Partial<Applicant> = {}): Applicant {
  return { id, ownerId: `owner of ${id}`, priority: 'routine', requestedAtMs: now - minute, ...overrides };
}

function facts(overrides: Partial<AdmissionFacts> = {}): AdmissionFacts {
  return {
    ...{
      nowMs: now,
      totalSlots: 4,
      freeSlots: 1,
      heldBy: new Map(),
      reservations: [],
      typicalSeconds: 1_200,
    },
    ...overrides,
  };
}

function kept(overrides: Partial<KeptSlots> = {}): KeptSlots {
  return { ownerId: 'ada', slots: 1, fromMs: now - minute, toMs: now + 30 * minute, ...overrides };
}

function order(applicants: readonly Applicant[], overrides: Partial<AdmissionFacts> = {}): string[] {
  return admit(applicants, facts(overrides)).map(
    ({ applicant, kind }) => `${applicant.id} ${kind === 'admitted' ? 'in' : 'waits'}`,
  );
}

describe('admission', () => {
  it('goes by who came first among equals', () => {
    const early = one('b', { requestedAtMs: now - 5 * minute });

    expect(order([one('a'), early])).toEqual(['b in', 'a waits']);
  });

  it('goes by priority before that', () => {
    const early = one('a', { requestedAtMs: now - 5 * minute });

    expect(order([early, one('b', { priority: 'high' }), one('c', { priority: 'stat' })])).toEqual([
      'c in',
      'b waits',
      'a waits',
    ]);
  });

  it('goes round among owners: who holds much comes after who holds nothing', () => {
    const heldBy = new Map([['busy', 3]]);
    const early = one('a', { ownerId: 'busy', requestedAtMs: now - 5 * minute });

    expect(order([early, one('b')], { heldBy })).toEqual(['b in', 'a waits']);
  });

  it('gives the places in the queue by turns too', () => {
    const many = ['a1', 'a2', 'a3'].map((id, n) =>
      one(id, { ownerId: 'a', requestedAtMs: now - 9 * minute + n }),
    );

    expect(order([...many, one('b')], { freeSlots: 0 })).toEqual([
      'a1 waits',
      'b waits',
      'a2 waits',
      'a3 waits',
    ]);
  });

  it('lets nobody starve: who waits moves up a class every twenty minutes', () => {
    const patient = one('a', { requestedAtMs: now - 41 * minute });

    expect(order([one('b', { priority: 'stat' }), patient])).toEqual(['a in', 'b waits']);
  });

  it('keeps what is reserved for its owner, who comes first', () => {
    const early = one('b', { priority: 'stat', requestedAtMs: now - 5 * minute });

    expect(order([early, one('a', { ownerId: 'ada' })], { reservations: [kept()] })).toEqual([
      'a in',
      'b waits',
    ]);
    expect(admit([one('b')], facts({ reservations: [kept()] }))[0]).toMatchObject({
      kind: 'waits',
      position: 1,
      reason: 'The one free slot is reserved by others',
      untilMs: now + 30 * minute,
    });
  });

  it('lets a reservation that is used up keep nothing more', () => {
    const heldBy = new Map([['ada', 1]]);

    expect(order([one('b')], { reservations: [kept()], heldBy })).toEqual(['b in']);
  });

  it('counts what an owner holds once, however many reservations he has', () => {
    const heldBy = new Map([['ada', 1]]);

    expect(order([one('b')], { reservations: [kept(), kept()], heldBy })).toEqual(['b waits']);
  });

  it('keeps slots before a reservation begins, but not from an emergency', () => {
    const reservations = [kept({ fromMs: now + 10 * minute })];

    expect(admit([one('b')], facts({ reservations }))[0]).toMatchObject({
      kind: 'waits',
      reason: 'The one free slot is reserved by others; the next reservation begins in 10 min',
    });
    expect(order([one('b', { priority: 'stat' })], { reservations })).toEqual(['b in']);
    expect(order([one('b')], { reservations: [kept({ fromMs: now + 16 * minute })] })).toEqual(['b in']);
  });

  it('says why there is nothing', () => {
    const reasonOf = (totalSlots: number): unknown => {
      const [first] = admit([one('a')], facts({ totalSlots, freeSlots: 0 }));
      return first?.kind === 'waits' && first.reason;
    };

    expect([reasonOf(4), reasonOf(0)]).toEqual(['All 4 slots are taken', 'No render node is ready yet']);
  });

  const applicants = fc.uniqueArray(
    fc.record({
      id: fc.string({ minLength: 1, maxLength: 3 }),
      ownerId: fc.constantFrom<string[]>('ada', 'bob', 'eve', 'zoe'),
      priority: fc.constantFrom('stat' as const, 'high' as const, 'routine' as const),
      requestedAtMs: fc.integer({ min: now - 100 * minute, max: now }),
    }),
    { selector: ({ id }) => id, maxLength: 20 },
  );

  it('answers for everybody, admits no more than are free, and numbers who waits', () => {
    fc.assert(
      fc.property(
        applicants,
        fc.integer({ min: 0, max: 6 }),
        fc.array(
          fc.record({
            ownerId: fc.constantFrom('ada', 'bob', 'zoe'),
            slots: fc.integer({ min: 1, max: 3 }),
            fromMs: fc.integer({ min: now - 30 * minute, max: now + 30 * minute }),
          }),
          { maxLength: 3 },
        ),
        (waiting, freeSlots, reserved) => {
          const reservations = reserved.map((given) => ({ ...given, toMs: given.fromMs + 20 * minute }));
          const admissions = admit(waiting, facts({ freeSlots, totalSlots: 6, reservations }));

          expect(new Set(admissions.map(({ applicant }) => applicant.id)).size).toBe(waiting.length);
          expect(admissions.filter(({ kind }) => kind === 'admitted').length).toBeLessThanOrEqual(freeSlots);
          const positions = admissions.flatMap((given) => (given.kind === 'waits' ? [given.position] : []));
          expect(positions).toEqual(positions.map((_, index) => index + 1));
          // Nobody who has no part in them takes slots that are reserved right now.
          const on = reservations.filter(
            ({ fromMs, toMs, ownerId }) => fromMs <= now && now < toMs && ownerId === 'zoe',
          );
          const zoes = on.reduce((sum, { slots }) => sum + slots, 0);
          const others = admissions.filter(
            ({ kind, applicant }) => kind === 'admitted' && applicant.ownerId !== 'zoe',
          );
          const reservedOthers = reservations
            .filter(({ fromMs, toMs, ownerId }) => fromMs <= now && now < toMs && ownerId !== 'zoe')
            .reduce((sum, { slots }) => sum + slots, 0);
          expect(others.length).toBeLessThanOrEqual(Math.max(0, freeSlots - zoes) + reservedOthers);
        },
      ),
    );
  });
});
