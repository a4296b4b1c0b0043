import { describe, expect, it } from 'vitest';
import {
  chooseTransport,
  firstStanding,
  transportOrder,
  type TransportConditions,
  type TransportStanding,
} from './transport-choice.ts';

const calm: TransportConditions = {
  able: ['media', 'webcodecs', 'mse'],
  ...{ wanted: undefined, isBroken: false, waitedMs: 0, waysMs: [], roundTripMs: 10 },
};
const ways = (ms: number, count = 30): number[] => new Array<number>(count).fill(ms);
const start = (changes: Partial<TransportConditions> = {}): TransportStanding =>
  firstStanding({ ...calm, ...changes }, 0);

/** One choice each second, as conditions are found. */
function follow(
  from: TransportStanding,
  course: readonly {
    readonly seconds: number;
    readonly found: (kind: string) => Partial<TransportConditions>;
  }[],
): { standing: TransportStanding; kinds: string[] } {
  let standing = from;
  const kinds: string[] = [from.kind];
  let now = 0;
  for (const { seconds, found } of course)
    for (let second = 0; second < seconds; second += 1) {
      now += 1_000;
      standing = chooseTransport(standing, { ...calm, ...found(standing.kind) }, now);
      if (standing.kind !== kinds.at(-1)) kinds.push(standing.kind);
    }
  return { standing, kinds };
}

describe('how the picture comes', () => {
  it('is WebRTC video where there is that, and stays so however long all is well', () => {
    const { kinds } = follow(start(), [{ seconds: 3_600, found: () => ({ waysMs: ways(40) }) }]);
    expect(kinds).toEqual(['media']);
  });

  it.each([
    [['webcodecs', 'mse'], 'webcodecs'],
    [['mse'], 'mse'],
    [[], 'media'],
  ] as const)('is the best of what the browser has: of %j %s', (able, kind) => {
    expect(start({ able }).kind).toBe(kind);
  });

  it('is another one when it was refused, or shows nothing although frames are due, and the next when that fails too', () => {
    const refused = chooseTransport(start(), { ...calm, isBroken: true }, 1_000);
    expect(refused.kind).toBe('webcodecs');
    const dark = chooseTransport(start(), { ...calm, waitedMs: 4_100 }, 5_000);
    expect(dark.kind).toBe('webcodecs');
    const next = chooseTransport(dark, { ...calm, isBroken: true }, 6_000);
    expect(next.kind).toBe('mse');
    expect(chooseTransport(next, { ...calm, isBroken: true }, 7_000).kind).toBe('media');
  });

  it('waits longer for the first picture after each failure, so that a poor path is not kept from showing one', () => {
    const once = chooseTransport(start(), { ...calm, waitedMs: 4_100 }, 5_000);
    expect(chooseTransport(once, { ...calm, waitedMs: 4_100 }, 10_000)).toBe(once);
    expect(chooseTransport(once, { ...calm, waitedMs: 8_100 }, 14_000).kind).toBe('mse');
  });

  it('does not go back to what failed as long as the other works', () => {
    const { kinds } = follow(start(), [
      { seconds: 1, found: () => ({ isBroken: true }) },
      { seconds: 3_600, found: () => ({ waysMs: ways(400) }) },
    ]);
    expect(kinds).toEqual(['media', 'webcodecs']);
  });

  it('has nothing to go to where the browser has nothing else, and begins anew', () => {
    const alone = chooseTransport(
      start({ able: ['media'] }),
      { ...calm, able: ['media'], isBroken: true },
      9_000,
    );
    expect(alone).toMatchObject({ kind: 'media', sinceMs: 9_000 });
  });
});

describe('a picture that comes slowly', () => {
  const found =
    (media: number, webcodecs: number) =>
    (kind: string): Partial<TransportConditions> => ({ waysMs: ways(kind === 'media' ? media : webcodecs) });

  it('is decoded in the page when that is faster by a margin', () => {
    const { kinds, standing } = follow(start(), [{ seconds: 600, found: found(160, 50) }]);
    expect(kinds).toEqual(['media', 'webcodecs']);
    expect(standing.isTrial).toBe(false);
  });

  it('is tried ever more seldom when that is not', () => {
    const { kinds } = follow(start(), [{ seconds: 600, found: found(160, 150) }]);
    expect(kinds.filter((kind) => kind === 'webcodecs')).toHaveLength(4);
  });

  it('comes as WebRTC video again once it is slower than that was, and not for a little', () => {
    const { kinds } = follow(start(), [
      { seconds: 10, found: found(160, 50) },
      { seconds: 10, found: found(160, 155) },
    ]);
    expect(kinds).toEqual(['media', 'webcodecs']);
    const worse = follow(start(), [
      { seconds: 10, found: found(160, 50) },
      { seconds: 10, found: found(160, 165) },
    ]);
    expect(worse.kinds).toEqual(['media', 'webcodecs', 'media']);
  });

  it('is not slow when the path is long, and nothing is known by few inputs or of who only watches', () => {
    const long = follow(start(), [{ seconds: 60, found: () => ({ waysMs: ways(150), roundTripMs: 100 }) }]);
    const few = follow(start(), [{ seconds: 60, found: () => ({ waysMs: ways(150, 29) }) }]);
    const unknown = follow(start(), [
      { seconds: 60, found: () => ({ waysMs: ways(150), roundTripMs: null }) },
    ]);
    expect([long, few, unknown].map(({ kinds }) => kinds)).toEqual([['media'], ['media'], ['media']]);
  });

  it('is tried no longer than a minute when the user does nothing more', () => {
    const { kinds } = follow(start(), [
      { seconds: 1, found: found(160, 50) },
      { seconds: 62, found: () => ({}) },
    ]);
    expect(kinds).toEqual(['media', 'webcodecs', 'media']);
  });
});

describe('what the user asks for', () => {
  it('stays, whatever is measured', () => {
    const { kinds } = follow(start({ wanted: 'media' }), [
      { seconds: 600, found: () => ({ wanted: 'media', waysMs: ways(300) }) },
    ]);
    expect(kinds).toEqual(['media']);
    expect(start({ wanted: 'mse' }).kind).toBe('mse');
  });

  it('gives way where it cannot be had', () => {
    expect(start({ wanted: 'webcodecs', able: ['media', 'mse'] }).kind).toBe('media');
    expect(
      chooseTransport(start({ wanted: 'mse' }), { ...calm, wanted: 'mse', isBroken: true }, 1).kind,
    ).toBe('media');
  });
});

describe('what is tried when all is negotiated anew', () => {
  it('is what it was, then what failed longest ago', () => {
    const failedAtMs = { media: 2_000, mse: 1_000 };
    expect(transportOrder({ kind: 'webcodecs', failedAtMs }, calm.able)).toEqual([
      'webcodecs',
      'mse',
      'media',
    ]);
  });
});
