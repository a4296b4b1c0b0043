import { describe, expect, it } from 'vitest';
import { createDoubling, type PathState } from './doubling.ts';

const packetsPerSecond = 300;

/** A path of so many seconds, told each second; what it says of each. */
function drive(
  seconds: number,
  stateAt: (
    second: number,
    isOn: boolean,
  ) => Partial<PathState> & { lostShare?: number; roundTripMs?: number },
): boolean[] {
  const doubling = createDoubling();
  const said: boolean[] = [];
  let [packets, nackedPackets] = [0, 0];
  for (let second = 0; second < seconds; second += 1) {
    const { lostShare = 0, roundTripMs = 80, ...state } = stateAt(second, said.at(-1) ?? false);
    packets += packetsPerSecond;
    nackedPackets += Math.round(packetsPerSecond * lostShare);
    const counts = { packets, nackedPackets, roundTripMs };
    said.push(doubling.take({ nowMs: second * 1_000, fullAtMs: undefined, counts, ...state }));
  }
  return said;
}

describe('each packet goes twice', () => {
  it('where one in a hundred is lost on a long path, within a few seconds', () => {
    expect(drive(5, () => ({ lostShare: 0.01 })).at(-1)).toBe(true);
  });

  it.each([
    ['nothing is lost', {}],
    ['the path is short', { lostShare: 0.01, roundTripMs: 20 }],
    ['it has no stream of video', { lostShare: 0.01, counts: undefined }],
  ])('but not where %s', (_, state) => {
    expect(drive(20, () => state)).not.toContain(true);
  });

  it('but not where too much was sent', () => {
    expect(drive(20, (second) => ({ lostShare: 0.05, fullAtMs: second * 1_000 - 500 }))).not.toContain(true);
  });

  it('until the path is short', () => {
    const said = drive(9, (second) => ({ lostShare: 0.01, roundTripMs: second < 6 ? 80 : 10 }));
    expect([said[5], said[6], said[8]]).toEqual([true, false, false]);
  });

  it('as long as losses are seen', () => {
    const said = drive(300, () => ({ lostShare: 0.01 }));
    expect(said.slice(10)).not.toContain(false);
  });

  it('is left off now and again where it hides the losses, and ever more seldom while they go on', () => {
    const said = drive(600, (_, isOn) => ({ lostShare: isOn ? 0 : 0.01 }));
    const begins = said.flatMap((isOn, second) => (isOn && said[second - 1] !== true ? [second] : []));
    const pauses = begins.map((begin, index) => (begins[index + 1] ?? Infinity) - begin);

    expect(pauses.length).toBeGreaterThan(3);
    expect(pauses).toEqual(pauses.toSorted((one, another) => one - another));
    expect(said.filter((isOn) => isOn).length).toBeGreaterThan(0.95 * said.length);
  });

  it('ends for good with the losses', () => {
    const said = drive(200, (second, isOn) => ({ lostShare: isOn || second > 20 ? 0 : 0.01 }));
    expect(said[10]).toBe(true);
    expect(said.slice(60)).not.toContain(true);
  });

  it('forgets the counts of a former stream', () => {
    const doubling = createDoubling();
    const take = (nowMs: number, packets: number, nackedPackets: number): boolean =>
      doubling.take({
        nowMs,
        fullAtMs: undefined,
        counts: { packets, nackedPackets, roundTripMs: 80 },
      });
    expect([take(0, 9_000, 0), take(1_000, 300, 9), take(2_000, 600, 9)]).toEqual([false, false, false]);
  });
});
