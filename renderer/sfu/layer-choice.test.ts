import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseLayers, type LayerChoice, type Standing, type WatchedPath } from './layer-choice.ts';
import { rateLimits } from './path-rate.ts';

type Told = Readonly<Record<string, WatchedPath>>;
const open = (kbps: number): WatchedPath => ({ kbps, fullAtMs: undefined });
const full = (kbps: number | undefined, fullAtMs: number): WatchedPath => ({ kbps, fullAtMs });

/** Ten choices a second, as paths are told of. */
function choose(course: readonly { readonly untilMs: number; readonly told: (nowMs: number) => Told }[]): {
  choice: LayerChoice<string>;
  at: (nowMs: number) => LayerChoice<string>;
} {
  const choices: LayerChoice<string>[] = [];
  let standings: ReadonlyMap<string, Standing> = new Map();
  const endMs = course.at(-1)?.untilMs ?? 0;
  for (let now = 0; now <= endMs; now += 100) {
    const told = course.find(({ untilMs }) => now <= untilMs)?.told(now) ?? {};
    const choice = chooseLayers(standings, new Map(Object.entries(told)), now);
    ({ standings } = choice);
    choices.push(choice);
  }
  const at = (nowMs: number): LayerChoice<string> => choices[nowMs / 100] ?? fail();
  return { choice: at(endMs), at };
}
function fail(): never {
  throw new Error('there is no such choice');
}
const layersOf = ({ standings }: LayerChoice<string>): Record<string, string> =>
  Object.fromEntries([...standings].map(([id, { layer }]) => [id, layer]));

const alone = (nowMs: number): Told => ({ a: full(800, nowMs) });
const slowBesideFast = (nowMs: number): Told => ({ a: open(20_000), b: full(900, nowMs) });

describe('chooseLayers', () => {
  it('adapts the main layer to one alone, however little its path carries', () => {
    const { choice } = choose([{ untilMs: 5_000, told: alone }]);
    expect(layersOf(choice)).toEqual({ a: 'main' });
    expect(choice).toMatchObject({ mainKbps: 800, weakKbps: null });
  });

  it('gives the weak layer to who carries much less, who from the first moment slows nobody', () => {
    const { choice, at } = choose([{ untilMs: 2_000, told: slowBesideFast }]);
    expect(layersOf(at(0))).toEqual({ a: 'main', b: 'main' });
    expect(layersOf(choice)).toEqual({ a: 'main', b: 'weak' });
    for (const nowMs of [0, 200, 400, 2_000]) expect(at(nowMs).mainKbps).toBe(20_000);
    expect(choice.weakKbps).toBe(900);
  });

  it('sets the weak rate to the least of the weak who tell anything', () => {
    const { choice } = choose([
      {
        untilMs: 2_000,
        told: (now) => ({
          a: open(20_000),
          b: full(4_000, now),
          c: full(1_100, now),
          d: full(undefined, now),
        }),
      },
    ]);
    expect(layersOf(choice)).toEqual({ a: 'main', b: 'weak', c: 'weak', d: 'weak' });
    expect(choice.weakKbps).toBe(1_100);
  });

  it('leaves who carries less, but enough, and sets the main rate to that', () => {
    const { choice } = choose([
      { untilMs: 10_000, told: (now) => ({ a: open(20_000), b: full(9_000, now) }) },
    ]);
    expect(layersOf(choice)).toEqual({ a: 'main', b: 'main' });
    expect(choice).toMatchObject({ mainKbps: 9_000, weakKbps: null });
  });

  it('does not take a path that was little used for a narrow one', () => {
    const { choice } = choose([{ untilMs: 10_000, told: () => ({ a: open(50_000), b: open(12_000) }) }]);
    expect(layersOf(choice)).toEqual({ a: 'main', b: 'main' });
    expect(choice.mainKbps).toBe(50_000);
  });

  it('takes who gets nothing through for weak, and leaves who tells nothing because nothing moves', () => {
    const { choice } = choose([
      { untilMs: 2_000, told: (now) => ({ a: open(9_000), b: full(undefined, now), c: full(undefined, 0) }) },
    ]);
    expect(layersOf(choice)).toMatchObject({ a: 'main', b: 'weak' });
    const resting = choose([
      { untilMs: 2_000, told: () => ({ a: open(9_000), b: { kbps: undefined, fullAtMs: undefined } }) },
    ]);
    expect(layersOf(resting.choice)).toEqual({ a: 'main', b: 'main' });
  });

  it('passes over a moment of trouble', () => {
    const { choice, at } = choose([
      { untilMs: 5_000, told: () => ({ a: open(20_000), b: open(20_000) }) },
      { untilMs: 5_300, told: (now) => ({ a: open(20_000), b: full(5_000, now) }) },
      { untilMs: 8_000, told: () => ({ a: open(20_000), b: full(12_000, 5_300) }) },
    ]);
    expect(at(5_200).mainKbps).toBe(20_000);
    expect(layersOf(choice)).toEqual({ a: 'main', b: 'main' });
  });

  it('tries the main layer again when the path was good for five seconds; nobody heeds the trial', () => {
    const { at } = choose([
      { untilMs: 2_000, told: slowBesideFast },
      { untilMs: 7_500, told: () => ({ a: open(20_000), b: full(3_000, 2_000) }) },
      { untilMs: 12_000, told: () => ({ a: open(20_000), b: full(15_000, 2_000) }) },
    ]);
    expect(layersOf(at(6_900))).toMatchObject({ b: 'weak' });
    expect(layersOf(at(7_500))).toMatchObject({ b: 'main' });
    expect(at(7_500)).toMatchObject({ mainKbps: 20_000, weakKbps: null });
    expect(at(12_000).mainKbps).toBe(15_000);
  });

  it('waits longer after each trial that failed', () => {
    let standings: ReadonlyMap<string, Standing> = new Map();
    let lastMainMs = 0;
    const trialsMs: number[] = [];
    for (let now = 0; now <= 60_000; now += 100) {
      const isWeak = standings.get('b')?.layer === 'weak';
      if (!isWeak) lastMainMs = now;
      // The weak layer is borne well, the main one never.
      const b = isWeak ? full(3_000, lastMainMs) : full(900, now);
      ({ standings } = chooseLayers(standings, new Map(Object.entries({ a: open(20_000), b })), now));
      if (isWeak && standings.get('b')?.layer === 'main') trialsMs.push(now);
    }
    const pauses = trialsMs.map((atMs, index) => atMs - (trialsMs[index - 1] ?? 0));
    expect(pauses.map((ms) => Math.floor(ms / 1_000))).toEqual([5, 10, 20]);
  });

  it('believes a still that came through well, however little is known else and however many trials failed', () => {
    const failed: Standing = {
      layer: 'weak',
      sinceMs: 0,
      isTrial: false,
      differsSinceMs: undefined,
      patienceMs: 120_000,
    };
    const layerAfter = (still: { kbps: number; atMs: number }): string | undefined => {
      let standings: ReadonlyMap<string, Standing> = new Map([['b', failed]]);
      for (let now = 0; now <= 8_000; now += 100) {
        const known = now < still.atMs ? undefined : still;
        const told = { a: open(20_000), b: { ...full(600, 1_000), still: known } };
        ({ standings } = chooseLayers(standings, new Map(Object.entries(told)), now));
      }
      return standings.get('b')?.layer;
    };
    expect(layerAfter({ kbps: 8_000, atMs: 2_000 })).toBe('main');
    expect(layerAfter({ kbps: 8_000, atMs: 4_000 })).toBe('weak');
    expect(layerAfter({ kbps: 8_000, atMs: 900 })).toBe('weak');
    expect(layerAfter({ kbps: 1_100, atMs: 2_000 })).toBe('weak');
  });

  it('tries the main layer of who has shown no trouble for long, when nothing moved that could have told', () => {
    const { at } = choose([
      { untilMs: 2_000, told: slowBesideFast },
      { untilMs: 30_000, told: () => ({ a: open(20_000), b: full(900, 2_000) }) },
    ]);
    expect(layersOf(at(21_000))).toMatchObject({ b: 'weak' });
    expect(layersOf(at(22_500))).toMatchObject({ b: 'main' });
    expect(at(30_000).mainKbps).toBe(20_000);
  });

  it('brings the best of those who stay back to the main layer at once', () => {
    const { at } = choose([
      { untilMs: 2_000, told: (now) => ({ ...slowBesideFast(now), c: full(1_200, now) }) },
      { untilMs: 2_500, told: (now) => ({ b: full(900, now), c: full(1_200, now) }) },
    ]);
    expect(layersOf(at(2_000))).toEqual({ a: 'main', b: 'weak', c: 'weak' });
    expect(layersOf(at(2_100))).toEqual({ b: 'weak', c: 'main' });
    expect(at(2_100)).toMatchObject({ mainKbps: 1_200, weakKbps: 900 });
  });

  it('always has somebody on the main layer, within the limits, whatever is told', () => {
    const path = fc.record({
      kbps: fc.option(fc.integer({ min: rateLimits.leastKbps, max: rateLimits.mostKbps }), {
        nil: undefined,
      }),
      fullAtMs: fc.option(fc.nat(20_000), { nil: undefined }),
    });
    const tellings = fc.array(fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), path), { maxLength: 60 });
    fc.assert(
      fc.property(tellings, (told) => {
        let standings: ReadonlyMap<string, Standing> = new Map();
        for (const [step, paths] of told.entries()) {
          const choice = chooseLayers(standings, new Map(Object.entries(paths)), step * 300);
          ({ standings } = choice);
          const layers = Object.values(layersOf(choice));
          expect(Object.keys(layersOf(choice)).sort()).toEqual(Object.keys(paths).sort());
          const isTold = Object.values(paths).some(({ kbps }) => kbps !== undefined);
          if (isTold) expect(layers).toContain('main');
          expect(choice.weakKbps === null).toBe(!layers.includes('weak'));
          for (const kbps of [choice.mainKbps ?? 500, choice.weakKbps ?? 500]) {
            expect(kbps).toBeGreaterThanOrEqual(rateLimits.leastKbps);
            expect(kbps).toBeLessThanOrEqual(rateLimits.mostKbps);
          }
        }
      }),
    );
  });
});
