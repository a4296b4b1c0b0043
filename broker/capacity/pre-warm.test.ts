import { poolIdSchema, type PoolPolicy } from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { learnOpenings, type StudyPast } from './opening-rates.ts';
import {
  beliefMs,
  chancesOfAtLeast,
  revise,
  type CalendarEntry,
  type Known,
  type Opening,
  type Revision,
  type WarmPool,
  type WarmSlot,
} from './pre-warm.ts';
import { createRandom } from './random.ts';

const minute = 60_000;
const hour = 60 * minute;
const monday = Date.parse('2026-03-02T00:00:00Z');
const noon = monday + 12 * hour;

const nothing: Known = { open: [], subjects: new Set(), openings: [] };
const pool = (changes: Partial<WarmPool> = {}): WarmPool => ({
  ...{ id: poolIdSchema.parse('render'), preWarm: { by: 'both', slots: 2 }, room: 8, spare: 0 },
  ...{ leadMs: 2 * minute, likely: [] },
  ...changes,
});
const entry = (changes: Partial<CalendarEntry> = {}): CalendarEntry => ({
  ...{ id: 'board', ownerId: 'rosa', studyInstanceUID: null, slots: 1, held: 0 },
  ...{ fromMs: noon, toMs: noon + hour },
  ...changes,
});
const likely = (...chances: number[]) =>
  chances.map((chance, index) => ({ studyInstanceUID: `1.2.${index}`, chance }));
const opening = (changes: Partial<Opening> = {}): Opening => ({
  ...{ sessionId: 's-1', pool: 'render', ownerId: 'rosa', studyInstanceUID: '1.2.0' },
  ...{ atMs: noon + minute, hasQueued: false },
  ...changes,
});
const at = (nowMs: number, entries: readonly CalendarEntry[] = []) => ({ nowMs, entries });
const briefly = ({ subject, source, isExtra }: WarmSlot) => ({ subject, source, isExtra });

/** As a store would have it afterwards. */
function after(known: Known, { settled, taken }: Revision): Known {
  const gone = new Set(settled.map(({ subject }) => subject));
  const used = new Set(settled.map(({ sessionId }) => sessionId));
  return {
    open: [...known.open.filter(({ subject }) => !gone.has(subject)), ...taken],
    subjects: new Set([...known.subjects, ...taken.map(({ subject }) => subject)]),
    openings: known.openings.filter(({ sessionId }) => !used.has(sessionId)),
  };
}

describe('what the worklist lets expect', () => {
  it.each<[string, number[], number]>([
    ['nothing, when each is unlikely and there are few', [0.1, 0.1, 0.1], 0],
    ['one, when one of many is likely opened', Array<number>(10).fill(0.1), 1],
    ['one, when one alone is more likely than not', [0.5], 1],
    ['two, when two are', [0.9, 0.9], 2],
    ['no more than the pool may keep', [0.9, 0.9, 0.9, 0.9], 2],
  ])('is %s', (_what, chances, slots) => {
    const { taken } = revise(nothing, [pool({ likely: likely(...chances) })], at(noon));

    expect(taken).toHaveLength(slots);
    expect(taken.every(({ untilMs }) => untilMs === noon + beliefMs(2 * minute))).toBe(true);
  });

  it('is the Poisson binomial distribution', () => {
    expect(chancesOfAtLeast([0.5, 0.5], 2)).toEqual([0.75, 0.25]);
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 10 }),
        fc.nat(12),
        (chances, most) => {
          // By counting over all outcomes.
          const counted = Array.from({ length: most }, () => 0);
          for (let mask = 0; mask < 2 ** chances.length; mask += 1) {
            const share = chances.reduce((p, chance, n) => p * ((mask >> n) & 1 ? chance : 1 - chance), 1);
            const happened = chances.filter((_, n) => (mask >> n) & 1).length;
            for (let n = 0; n < Math.min(most, happened); n += 1) counted[n] = (counted[n] ?? 0) + share;
          }
          chancesOfAtLeast(chances, most).forEach((chance, n) =>
            expect(chance).toBeCloseTo(counted[n] ?? 0, 9),
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('what the calendar lets expect', () => {
  it('is made ready as long before as a node takes, and no earlier', () => {
    const board = entry({ slots: 2 });

    expect(revise(nothing, [pool()], at(noon - 4 * minute, [board])).taken).toEqual([]);
    const { taken } = revise(nothing, [pool({ spare: 1 })], at(noon - 3 * minute, [board]));
    expect(taken.map(briefly)).toEqual([
      // One is there anyway.
      { subject: 'board/1', source: 'calendar', isExtra: false },
      { subject: 'board/2', source: 'calendar', isExtra: true },
    ]);
    expect(taken.map(({ untilMs }) => untilMs)).toEqual([board.toMs, board.toMs]);
  });

  it('comes before the worklist, and its study is not expected twice', () => {
    const board = entry({ studyInstanceUID: '1.2.0' });

    const { taken } = revise(nothing, [pool({ likely: likely(0.9, 0.2) })], at(noon, [board]));

    expect(taken.map(({ source }) => source)).toEqual(['calendar']);
  });

  it('finds room that guesses have left to it', () => {
    const guessing = pool({ likely: likely(0.9, 0.9, 0.9) });
    const before = noon - 10 * minute;

    const guessed = revise(nothing, [guessing], at(before, [entry()]));
    const later = revise(after(nothing, guessed), [guessing], at(noon - 2 * minute, [entry()]));

    expect(guessed.taken.map(({ source }) => source)).toEqual(['worklist']);
    expect(later.taken.map(({ source }) => source)).toEqual(['calendar']);
  });

  it('is not what its owner has already', () => {
    expect(revise(nothing, [pool()], at(noon, [entry({ held: 1 })])).taken).toEqual([]);
  });

  it('is settled as a miss at once when the entry is given up', () => {
    const known = after(nothing, revise(nothing, [pool()], at(noon, [entry()])));

    expect(revise(known, [pool()], at(noon + 5 * minute)).settled).toEqual([
      { subject: 'board/1', outcome: 'miss', atMs: noon + 5 * minute, sessionId: null },
    ]);
  });
});

describe('the switch of a pool', () => {
  it.each<[PoolPolicy['preWarm']['by'], string[]]>([
    ['off', []],
    ['worklist', ['worklist']],
    ['calendar', ['calendar']],
    ['both', ['calendar', 'worklist']],
  ])('%s: expects by %j', (by, sources) => {
    const { taken } = revise(
      nothing,
      [pool({ preWarm: { by, slots: 2 }, likely: likely(0.9) })],
      at(noon, [entry()]),
    );

    expect(taken.map(({ source }) => source)).toEqual(sources);
  });
});

describe('a decision', () => {
  const known = after(nothing, revise(nothing, [pool({ likely: likely(0.9) })], at(noon)));
  const [one] = known.open;
  const untilMs = one?.untilMs ?? 0;

  it.each<[string, Partial<Opening>, string | undefined]>([
    ['a session of its study', {}, 'hit'],
    ['one that had to wait', { hasQueued: true }, 'late'],
    ['another study', { studyInstanceUID: '9.9' }, undefined],
    ['another pool', { pool: 'other' }, undefined],
    ['one from before', { atMs: noon - 1 }, undefined],
    ['one from after', { atMs: untilMs + 1 }, undefined],
  ])('by %s is settled as %s', (_what, changes, outcome) => {
    const { settled } = revise({ ...known, openings: [opening(changes)] }, [], at(noon + 2 * minute));

    expect(settled.map((settlement) => settlement.outcome)).toEqual(outcome === undefined ? [] : [outcome]);
  });

  it('is a miss when its time is over and a session that waits had its time too', () => {
    const lead = pool().leadMs;

    expect(revise(known, [pool()], at(untilMs + lead)).settled).toEqual([]);
    expect(revise(known, [pool()], at(untilMs + lead + minute)).settled).toMatchObject([
      { outcome: 'miss', atMs: untilMs },
    ]);
  });
});

describe('whatever is known', () => {
  const chance = fc.double({ min: 0, max: 1, noNaN: true });
  const pools = fc.array(
    fc.record({
      by: fc.constantFrom('off', 'worklist', 'calendar', 'both'),
      slots: fc.nat(4),
      room: fc.integer({ min: -2, max: 6 }),
      chances: fc.array(chance, { maxLength: 6 }),
    }),
    { minLength: 1, maxLength: 3 },
  );
  const entries = fc.array(
    fc.record({
      slots: fc.integer({ min: 1, max: 3 }),
      held: fc.nat(2),
      fromMin: fc.integer({ min: -30, max: 30 }),
    }),
    { maxLength: 4 },
  );
  const openings = fc.array(
    fc.record({ study: fc.nat(5), owner: fc.nat(3), atMin: fc.nat(20), pool: fc.nat(2) }),
    {
      maxLength: 6,
    },
  );

  it('no pool keeps more than it may, no session settles two, and asked again there is nothing to add', () => {
    fc.assert(
      fc.property(pools, entries, openings, (wanted, booked, opened) => {
        const all = wanted.map(({ by, slots, room, chances }, index) =>
          pool({
            ...{ id: poolIdSchema.parse(`pool-${index}`), preWarm: { by, slots }, room },
            likely: likely(...chances),
          }),
        );
        const calendar = booked.map(({ fromMin, ...rest }, index) =>
          entry({ ...rest, id: `e${index}`, ownerId: `u${index}`, fromMs: noon + fromMin * minute }),
        );
        const sessions = opened.map(({ study, owner, atMin, pool: number }, index) =>
          opening({
            ...{ sessionId: `s${index}`, studyInstanceUID: `1.2.${study}`, ownerId: `u${owner}` },
            ...{ atMs: noon + atMin * minute, pool: `pool-${number}` },
          }),
        );
        let known: Known = nothing;
        const used = new Set<string>();
        for (let now = noon; now < noon + 2 * hour; now += 5 * minute) {
          const openings = sessions.filter(({ atMs, sessionId }) => atMs <= now && !used.has(sessionId));
          const next = { ...known, openings };
          const revision = revise(next, all, at(now, calendar));
          known = after(next, revision);

          const believed = known.open.filter(({ untilMs }) => untilMs > now);
          for (const { id, preWarm, room } of all) {
            const own = believed.filter((slot) => slot.pool === id);
            expect(own.length).toBeLessThanOrEqual(Math.max(0, Math.min(preWarm.slots, room)));
            if (preWarm.by === 'off') expect(own).toEqual([]);
          }
          for (const { sessionId } of revision.settled) {
            expect(used).not.toContain(sessionId);
            if (sessionId !== null) used.add(sessionId);
          }
          expect(new Set(known.open.map(({ subject }) => subject)).size).toBe(known.open.length);
          expect(revise(known, all, at(now, calendar))).toEqual({ settled: [], taken: [] });
        }
      }),
    );
  });
});

describe('rates of opening', () => {
  const day = 24 * hour;
  /** Two studies an hour, by day and by night; by day each is opened after some 40 minutes, at night when the day begins. */
  function recorded(days: number, random: () => number): StudyPast[] {
    return Array.from({ length: days * 48 }, (_, index) => {
      const arrivedMs = monday + index * (hour / 2);
      const inDay = arrivedMs % day;
      const morning = arrivedMs - inDay + 7 * hour;
      const isNight = inDay < 7 * hour || inDay >= 18 * hour;
      const readyMs = isNight ? (inDay < 7 * hour ? morning : morning + day) : arrivedMs;
      const openedMs = readyMs - Math.log(1 - random()) * 40 * minute;
      return { studyInstanceUID: `1.3.${index}`, arrivedMs, openedMs, isStreamed: true };
    });
  }

  it('are none while there is little to learn from', () => {
    const past = recorded(1, createRandom(1)).slice(0, 4);

    expect(learnOpenings(past, { timeZone: 'UTC', nowMs: monday + day }).chanceOf(noon, noon, hour)).toBe(0);
  });

  it('tell day from night, and those that nobody wants from those that are waited for', () => {
    const past = recorded(25, createRandom(1));
    const never = past.map((study) => ({ ...study, isStreamed: false }));
    const nowMs = monday + 25 * day;
    const rates = learnOpenings(past, { timeZone: 'UTC', nowMs });

    // One that came at ten: 1 − e^(−1/4) in ten minutes of 40, drawn to the mean of all hours.
    const byDay = rates.chanceOf(monday + 10 * hour, monday + 10 * hour, 10 * minute);
    expect(byDay).toBeGreaterThan(0.15);
    expect(byDay).toBeLessThan(0.25);
    expect(rates.chanceOf(monday + 2 * hour, monday + 2 * hour, 10 * minute)).toBeLessThan(0.05);
    expect(rates.chanceOf(monday, monday + 25 * hour, day)).toBe(0);
    expect(learnOpenings(never, { timeZone: 'UTC', nowMs }).chanceOf(noon, noon, hour)).toBe(0);
  });

  it('are chances, and grow with the time they are given', () => {
    const rates = learnOpenings(recorded(10, createRandom(2)), {
      timeZone: 'Europe/Berlin',
      nowMs: monday + 10 * day,
    });
    fc.assert(
      fc.property(
        fc.tuple(fc.nat(10 * day), fc.nat(2 * day)),
        fc.nat(hour),
        fc.nat(hour),
        ([came, age], one, more) => {
          const short = rates.chanceOf(monday + came, monday + came + age, one);
          const long = rates.chanceOf(monday + came, monday + came + age, one + more);
          expect(short).toBeGreaterThanOrEqual(0);
          expect(long).toBeLessThanOrEqual(1);
          expect(long).toBeGreaterThanOrEqual(short);
        },
      ),
    );
  });

  it('let more than half of the decisions be hits, on days they have not seen', () => {
    const past = recorded(29, createRandom(3));
    const learntMs = monday + 28 * day;
    const rates = learnOpenings(
      past.filter(({ arrivedMs }) => arrivedMs < learntMs),
      { timeZone: 'UTC', nowMs: learntMs },
    );
    let known: Known = nothing;
    const outcomes = { hit: 0, late: 0, miss: 0 };
    for (let now = learntMs; now < learntMs + day; now += minute) {
      const unread = past.filter(
        (s) => s.arrivedMs <= now && now - s.arrivedMs < day && (s.openedMs ?? 0) > now,
      );
      const sessions = past
        .filter(({ openedMs }) => (openedMs ?? 0) > now - minute && (openedMs ?? 0) <= now)
        .map((s) =>
          opening({
            sessionId: s.studyInstanceUID,
            studyInstanceUID: s.studyInstanceUID,
            atMs: s.openedMs ?? 0,
          }),
        );
      const here = pool({
        ...{ preWarm: { by: 'worklist', slots: 4 }, leadMs: minute },
        likely: unread.map(({ studyInstanceUID, arrivedMs }) => ({
          ...{ studyInstanceUID, chance: rates.chanceOf(arrivedMs, now, beliefMs(minute)) },
        })),
      });
      const next = { ...known, openings: sessions };
      const revision = revise(next, [here], at(now));
      for (const { outcome } of revision.settled) outcomes[outcome] += 1;
      known = after(next, revision);
    }

    const settled = outcomes.hit + outcomes.miss;
    expect(settled).toBeGreaterThan(20);
    expect(outcomes.hit / settled).toBeGreaterThan(0.5);
  });
});
