import { describe, expect, it } from 'vitest';
import { candidateOf as node, testGpu } from '../support/placement-nodes.ts';
import type { Candidate, PathEstimate, PlacementNeed, ZonePaths } from './candidate.ts';
import { explainChoice, planPlacement } from './plan.ts';

const need = { applicationId: 'workstation', storageHost: '10.0.0.1' };

function path(kbps: number, rttMs: number): PathEstimate {
  return { kbps: { typical: kbps, cautious: kbps }, rttMs: { typical: rttMs, cautious: rttMs } };
}

describe('planPlacement', () => {
  it.each<[string, Candidate[], string]>([
    ['the one with more free slots', [node('a', { usedSlots: 3 }), node('b', { usedSlots: 1 })], 'b'],
    ['the idle one', [node('a', { load1: 4 }), node('b', { load1: 0.5 })], 'b'],
    ['the one next to the study', [node('a'), node('b', { host: '10.0.0.1' })], 'b'],
    ['the one with a GPU', [node('a'), node('b', { rendering: 'webgl' })], 'b'],
    ['the one that encodes by hardware', [node('a'), node('b', { encoders: ['h264_nvenc'] })], 'b'],
    ['the cheaper one', [node('a', { pricePerHour: 2 }), node('b', { pricePerHour: 1 })], 'b'],
    ['the one that draws less power', [node('a', { watts: 90 }), node('b', { watts: 30 })], 'b'],
    ['the one its users think more of', [node('a', { opinion: 0.4 }), node('b', { opinion: 0.9 })], 'b'],
    ['the one that runs already', [node('a', { boot: 'machine' }), node('b')], 'b'],
    ['the first by name among equals', [node('b'), node('a')], 'a'],
  ])('chooses %s', (_why, candidates, expected) => {
    const plan = planPlacement(need, candidates);

    expect(plan.kind === 'placed' && plan.placement.nodeId).toBe(expected);
  });

  it('chooses a far zone with a fast path before a near one with a slow path', () => {
    const paths = new Map([
      ['near', { data: path(20_000, 2), user: path(100_000, 2) }],
      ['far', { data: path(900_000, 35), user: path(100_000, 35) }],
    ]);
    const candidates = [node('near', { zone: 'near' }), node('far', { zone: 'far' })];

    const plan = planPlacement({ ...need, paths, firstBytes: 50_000_000 }, candidates);

    expect(plan).toMatchObject({ kind: 'placed', placement: { nodeId: 'far' } });
    if (plan.kind !== 'placed') return;
    const firstImage = plan.placement.considered.map(
      ({ terms }) => terms.find(({ term }) => term === 'firstImage')?.value,
    );
    expect(firstImage).toEqual([21_208, 1_784.4]);
  });

  it('prefers a path that was measured lately to one of which nothing sure is known', () => {
    const sure = { kbps: { typical: 90_000, cautious: 80_000 }, rttMs: { typical: 20, cautious: 25 } };
    const doubtful = { kbps: { typical: 95_000, cautious: 4_000 }, rttMs: { typical: 20, cautious: 90 } };
    const user = path(100_000, 10);
    const paths = new Map([
      ['sure', { data: sure, user }],
      ['doubtful', { data: doubtful, user }],
    ]);
    const candidates = [node('a', { zone: 'doubtful' }), node('b', { zone: 'sure' })];

    expect(planPlacement({ ...need, paths }, candidates)).toMatchObject({
      placement: { nodeId: 'b', predicted: { isMeasured: true } },
    });
  });

  it.each<[string, { refused: Partial<Candidate>; asked?: Partial<PlacementNeed>; note: string }]>([
    ['not ready', { refused: { state: 'lost' }, note: 'is lost' }],
    ['without a link', { refused: { hasLink: false }, note: 'has no link to the broker' }],
    ['without the application', { refused: { applications: [] }, note: 'does not have the application' }],
    ['full', { refused: { usedSlots: 4 }, note: 'all 4 slots are taken' }],
    [
      'of another architecture',
      {
        refused: { architecture: 'arm64' },
        asked: { architectures: ['x64'] },
        note: 'has arm64 processors, for which the application is not built',
      },
    ],
    [
      'without the encoder',
      {
        refused: { encoders: ['libvpx-vp9'] },
        asked: { encoders: ['libx264', 'h264_nvenc'] },
        note: 'has none of the encoders asked for',
      },
    ],
    [
      'without a GPU',
      {
        refused: { gpu: null },
        asked: { gpu: [{ attribute: 'memoryMiB', atLeast: 8_000 }] },
        note: 'has no GPU',
      },
    ],
    [
      'with a GPU that cannot draw',
      {
        refused: { gpu: { ...testGpu, model: 'A100 1g.10gb', graphics: false } },
        asked: { gpu: [{ attribute: 'graphics', equals: true }] },
        note: 'has a A100 1g.10gb, which is not as asked for',
      },
    ],
    [
      'under another law',
      {
        refused: { jurisdiction: 'US' },
        asked: { jurisdictions: ['EU'] },
        note: 'stands under the law of US',
      },
    ],
    [
      'nobody knows where',
      {
        refused: { jurisdiction: null },
        asked: { jurisdictions: ['EU'] },
        note: 'stands where it is not known whose law holds',
      },
    ],
    [
      'in another zone',
      {
        refused: { zone: 'paris' },
        asked: { zones: ['berlin'] },
        note: 'is in zone paris, not in one asked for',
      },
    ],
    [
      'of another provider',
      {
        refused: { provider: 'cloud' },
        asked: { providers: ['local'] },
        note: 'is of cloud, not of a provider asked for',
      },
    ],
    [
      'not certified',
      {
        refused: { zone: 'paris', security: ['iso27001'] },
        asked: { security: ['iso27001', 'hds'] },
        note: 'is in zone paris, which is not certified as asked for',
      },
    ],
    ['too dear', { refused: { pricePerHour: 3 }, asked: { mostPricePerHour: 2 }, note: 'costs 3 an hour' }],
    [
      'of an unknown price',
      {
        refused: { pricePerHour: null },
        asked: { mostPricePerHour: 2 },
        note: 'has a price that is not known',
      },
    ],
  ])('puts aside a node that is %s, and says so', (_why, { refused, asked, note }) => {
    const fit: Partial<Candidate> = {
      jurisdiction: 'EU',
      zone: 'berlin',
      security: ['hds', 'iso27001'],
      pricePerHour: 1,
      gpu: testGpu,
    };
    const plan = planPlacement({ ...need, ...asked }, [node('a', { ...fit, ...refused }), node('z', fit)]);

    expect(plan).toMatchObject({
      kind: 'placed',
      placement: { nodeId: 'z', considered: [{ nodeId: 'a', score: null, note }, { nodeId: 'z' }] },
    });
  });

  it.each<[string, Candidate[], string]>([
    ['nobody is there', [], 'No render node is ready yet'],
    ['all are starting', [node('a', { state: 'joining' })], 'No render node is ready yet'],
    [
      'all are full',
      [node('a', { usedSlots: 4 }), node('b', { slots: 2, usedSlots: 2 })],
      'All 6 slots are taken',
    ],
    [
      'nobody has the application',
      [node('a', { applications: ['amide'] })],
      'No node with a free slot has the application',
    ],
    [
      'each fails for another reason',
      [node('a', { applications: ['amide'] }), node('b', { jurisdiction: 'US' })],
      'None of the 2 nodes with a free slot fits what is asked for',
    ],
  ])('explains why there is no place when %s', (_why, candidates, reason) => {
    const plan = planPlacement({ ...need, jurisdictions: ['EU'] }, candidates);

    expect(plan).toMatchObject({ kind: 'no-capacity', reason });
  });

  it('gives the reason in words, and the terms that sum up to the score', () => {
    const plan = planPlacement(need, [node('a', { host: '10.0.0.1', usedSlots: 1 })]);

    expect(plan).toMatchObject({
      placement: {
        reason:
          'a is the only node: 3 of 4 slots free, load 0.0 on 4 CPUs, next to the stored study, draws by CPU, first image in about 1.2 s.',
        predicted: { firstImageMs: 1_211, isMeasured: true, calibration: '1' },
      },
    });
    if (plan.kind !== 'placed') return;
    const [{ score, terms } = { score: null, terms: [] }] = plan.placement.considered;
    expect(terms.reduce((sum, { points }) => sum + points, 0)).toBeCloseTo(score ?? 0, 0);
  });

  it('leaves a zone next to the study whose path turned out to be slow, and says so', () => {
    const near = { host: '10.0.0.1', zone: 'north' };
    const candidates = [node('away', { zone: 'south' }), node('near', near)];
    const paths = (kbps: number): ReadonlyMap<string, ZonePaths> =>
      new Map([['north', { data: path(kbps, 1), user: path(100_000, 2) }]]);

    expect(planPlacement({ ...need, paths: paths(300_000) }, candidates)).toMatchObject({
      placement: {
        nodeId: 'near',
        reason: expect.stringMatching(
          /first image in about 1\.5 s \(its path to the study was measured at 300 Mbit\/s\)\. Next best is away: first image in about 2\.1 s \(its path was not measured yet\)\.$/,
        ) as string,
      },
    });
    expect(planPlacement({ ...need, paths: paths(1_900) }, candidates)).toMatchObject({
      placement: {
        nodeId: 'away',
        reason: expect.stringMatching(
          / Next best is near: first image in about 43\.3 s \(its path to the study was measured at 1\.9 Mbit\/s\)\.$/,
        ) as string,
      },
    });
  });

  it('tells of many nodes the best and some of those put aside, the chosen one first', () => {
    const candidates = Array.from({ length: 500 }, (_, index) =>
      node(`n${index}`, index % 2 === 0 ? { state: 'lost' } : { usedSlots: index % 4 }),
    );

    const plan = planPlacement(need, candidates);

    if (plan.kind !== 'placed') throw new Error('There is a place');
    const { considered, nodeId } = plan.placement;
    expect(considered).toHaveLength(20);
    expect(considered[0]).toMatchObject({ nodeId });
    expect(considered.filter(({ score }) => score === null)).toHaveLength(6);
  });

  it('explains a node that was chosen for other reasons, unless it cannot be', () => {
    const [a, b] = [node('a'), node('b', { usedSlots: 4 })];

    expect(explainChoice(need, [a, b], a)?.reason).toMatch(/^a is the place among 2 nodes, chosen for all/);
    expect(explainChoice(need, [a, b], b)).toBeUndefined();
  });
});
