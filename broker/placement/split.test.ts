import { describe, expect, it } from 'vitest';
import { candidateOf } from '../support/placement-nodes.ts';
import type { PathEstimate } from './candidate.ts';
import { planWithSplit, type SplitNeed } from './split.ts';

function path(kbps: number, rttMs: number): PathEstimate {
  return { kbps: { typical: kbps, cautious: kbps }, rttMs: { typical: rttMs, cautious: rttMs } };
}

const local = path(1_000_000, 0.5);
const wide = path(50_000, 20);

/** A CT of 500 MB at the hospital; the cloud is 50 Mbit/s away from it. */
const need: SplitNeed = {
  applicationId: 'workstation',
  storageHost: '10.0.0.1',
  studyBytes: 500e6,
  firstBytes: 50e6,
  resultBytes: 20e6,
  firstResultBytes: 0.5e6,
  dataZone: 'hospital',
  pathBetween: (from, to) => (from === to ? local : wide),
  paths: new Map([
    ['hospital', { data: local, user: path(100_000, 30) }],
    ['cloud', { data: wide, user: path(100_000, 8) }],
  ]),
};
// A node at the hospital that reads, and is too busy to show; nodes in the cloud that show well.
const reader = candidateOf('reader', {
  zone: 'hospital',
  slots: 8,
  usedSlots: 7,
  load1: 4,
  takesRelay: true,
});
const cloud = candidateOf('cloud-1', {
  ...{ zone: 'cloud', rendering: 'webgl', encoders: ['h264_nvenc'], pricePerHour: 0.1, takesRelay: true },
});

describe('planWithSplit', () => {
  it('splits when that spares the wide area: at least twenty times fewer bytes for a CT of 500 MB', () => {
    const whole = planWithSplit({ ...need, dataZone: 'elsewhere' }, [cloud]);
    const answer = planWithSplit(need, [cloud, reader]);

    expect(whole.kind).toBe('whole');
    if (answer.kind !== 'split') throw new Error(answer.reason);
    expect(answer).toMatchObject({ reader: 'reader', viewer: 'cloud-1' });
    expect((answer.whole?.wanBytes ?? 0) / answer.split.wanBytes).toBeGreaterThanOrEqual(20);
    expect(answer.split.firstImageMs).toBeLessThan(answer.whole?.firstImageMs ?? 0);
    expect(answer.reason).toMatch(/20 MB over the wide area instead of 500 MB/);
  });

  it('stays whole next to the data when a node there can do it all', () => {
    const answer = planWithSplit(need, [
      candidateOf('strong', { zone: 'hospital', takesRelay: true }),
      cloud,
    ]);

    expect(answer).toMatchObject({ kind: 'whole', whole: { wanBytes: 0 }, split: { wanBytes: 20e6 } });
    expect(answer.reason).toMatch(/too little gain/);
  });

  it('stays whole when the node at the data is too busy to draw', () => {
    const answer = planWithSplit(need, [{ ...reader, load1: 40 }, cloud]);

    expect(answer.kind).toBe('whole');
    expect(answer.reason).toMatch(/would show a move after \d{3} ms instead of \d\d ms/);
  });

  it('stays whole when a node cannot run a part', () => {
    const answers = [
      [reader, { ...cloud, takesRelay: false }],
      [{ ...reader, takesRelay: false }, cloud],
    ].map((nodes) => planWithSplit(need, nodes).reason);

    expect(answers).toEqual(['There are no two nodes for a split', 'There are no two nodes for a split']);
  });

  it('stays whole when a hand would feel the way between the parts', () => {
    const slow = path(50_000, 300);
    const answer = planWithSplit({ ...need, pathBetween: () => slow }, [reader, cloud]);

    expect(answer.kind).toBe('whole');
    expect(answer.reason).toMatch(/would show a move after \d{3} ms/);
  });

  it('holds both nodes to the same conditions', () => {
    const answer = planWithSplit({ ...need, zones: ['hospital'] }, [reader, cloud]);

    expect(answer).toMatchObject({
      kind: 'whole',
      split: null,
      reason: 'There are no two nodes for a split',
    });
  });

  it('tells the figures of both ways, with the price of both nodes', () => {
    const priced = { ...reader, pricePerHour: 0.3 };
    const answer = planWithSplit(need, [priced, { ...cloud, pricePerHour: 0.2 }]);

    expect(answer.kind).toBe('split');
    expect(answer.split?.pricePerHour).toBeCloseTo(0.5);
    expect(answer.whole?.pricePerHour).toBe(0.2);
  });
});
