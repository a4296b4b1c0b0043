import { describe, expect, it } from 'vitest';
import { candidateOf, testGpu } from '../support/placement-nodes.ts';
import { openSolver } from '../support/solver.ts';
import { assignTogether, mostTogether } from './batch.ts';
import type { Candidate, PlacementNeed } from './candidate.ts';
import { findObstacle } from './filter.ts';
import { defaultRules } from './plan.ts';
import { emptyPrediction, predictInto } from './predict.ts';
import { scoreOf } from './score.ts';

/** mulberry32: the same cases each time. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Case = { readonly needs: readonly PlacementNeed[]; readonly candidates: readonly Candidate[] };

function randomCase(random: () => number): Case {
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  const zones = ['a', 'b', 'c'];
  const zone = (): string => zones[upTo(2)] ?? 'a';
  const candidates = Array.from({ length: 1 + upTo(6) }, (_, index) => {
    const slots = 1 + upTo(3);
    return candidateOf(`n${index}`, {
      ...{ slots, usedSlots: upTo(slots), zone: zone(), load1: random() * 4 },
      ...{ rendering: random() < 0.5 ? 'cpu' : 'webgl', pricePerHour: random() * 3 },
      gpu: random() < 0.5 ? { ...testGpu, memoryMiB: 8_000 * (1 + upTo(3)) } : null,
      host: `10.0.0.${upTo(3)}`,
    });
  });
  const needs = Array.from({ length: 1 + upTo(9) }, (): PlacementNeed => ({
    applicationId: 'workstation',
    storageHost: `10.0.0.${upTo(3)}`,
    ...(random() < 0.3 ? { zones: [zone(), zone()] } : {}),
    ...(random() < 0.3 ? { gpu: [{ attribute: 'memoryMiB', atLeast: 8_000 * (1 + upTo(3)) } as const] } : {}),
    firstBytes: 1e6 * (1 + upTo(100)),
  }));
  return { needs, candidates };
}

/** What a session has of a node on which so many slots are used; undefined when it cannot be there. */
function valueOf(need: PlacementNeed, node: Candidate, usedSlots: number): number | undefined {
  const candidate = { ...node, usedSlots };
  if (findObstacle(need, candidate) !== undefined) return undefined;
  const prediction = emptyPrediction();
  predictInto(prediction, { need, candidate }, defaultRules.calibration);
  return scoreOf(candidate, prediction, defaultRules.weights);
}

/** The sum of scores, and how many have a place; throws when the assignment breaks a rule. */
function worth(
  { needs, candidates }: Case,
  assigned: readonly (number | null)[],
): { sum: number; placed: number } {
  const used = candidates.map(({ usedSlots }) => usedSlots);
  // A fuller node is worth less to each of them by the same: their order on it does not matter.
  let sum = 0;
  let placed = 0;
  assigned.forEach((index, row) => {
    if (index === null) return;
    const [need, node] = [needs[row], candidates[index]];
    const value = need && node && valueOf(need, node, used[index] ?? 0);
    if (value === undefined) throw new Error(`Session ${row} cannot be on node ${index}`);
    used[index] = (used[index] ?? 0) + 1;
    sum += value;
    placed += 1;
  });
  return { sum, placed };
}

const bonus = 10_000;

/** The same question as a linear programme: x(session, node, level) ∈ {0, 1}. */
function programme({ needs, candidates }: Case): string {
  const variables: string[] = [];
  const objective: string[] = [];
  const bySession = new Map<number, string[]>();
  const bySeat = new Map<string, string[]>();
  needs.forEach((need, row) =>
    candidates.forEach((node, index) => {
      for (let used = node.usedSlots; used < node.slots; used += 1) {
        const value = valueOf(need, node, used);
        if (value === undefined) continue;
        const name = `x_${row}_${index}_${used}`;
        variables.push(name);
        objective.push(`${(bonus + value).toFixed(9)} ${name}`);
        bySession.set(row, [...(bySession.get(row) ?? []), name]);
        const seat = `${index}_${used}`;
        bySeat.set(seat, [...(bySeat.get(seat) ?? []), name]);
      }
    }),
  );
  const limits = [...bySession.values(), ...bySeat.values()].map((names) => ` ${names.join(' + ')} <= 1`);
  if (variables.length === 0) return '';
  return `Maximize\n ${objective.join(' + ')}\nSubject To\n${limits.join('\n')}\nBinary\n ${variables.join(' ')}\nEnd\n`;
}

describe('assignTogether', () => {
  it(
    'is within 5 % of the optimum that a solver finds, on 200 random cases',
    { timeout: 120_000 },
    async () => {
      const solver = await openSolver();
      const random = randomOf(20_261);
      let worst = 1;
      for (let number = 0; number < 200; number += 1) {
        const drawn = randomCase(random);
        const text = programme(drawn);
        const optimum = text === '' ? 0 : solver.optimumOf(text);
        const { sum, placed } = worth(drawn, assignTogether(drawn.needs, drawn.candidates));
        const mostPlaced = Math.floor(optimum / bonus);
        expect(placed, `case ${number}`).toBe(mostPlaced);
        if (placed > 0) worst = Math.min(worst, sum / (optimum - mostPlaced * bonus));
      }
      expect(worst).toBeGreaterThanOrEqual(0.95);
      // It is an exact method: what differs is rounding.
      expect(worst).toBeGreaterThanOrEqual(0.999_999);
    },
  );

  it('gives nobody a place that is not free or does not fit', () => {
    const random = randomOf(7);
    for (let number = 0; number < 300; number += 1) {
      const drawn = randomCase(random);
      const assigned = assignTogether(drawn.needs, drawn.candidates);
      drawn.candidates.forEach(({ slots, usedSlots }, index) => {
        const here = assigned.filter((one) => one === index).length;
        expect(here).toBeLessThanOrEqual(slots - usedSlots);
      });
      expect(() => worth(drawn, assigned)).not.toThrow();
    }
  });

  it('leaves the only node that fits to the one that needs it', () => {
    const candidates = [
      candidateOf('plain', { slots: 1, rendering: 'cpu' }),
      candidateOf('gpu', { slots: 1, rendering: 'webgl', gpu: testGpu }),
    ];
    const need = { applicationId: 'workstation', storageHost: '10.0.0.1' };
    const picky: PlacementNeed = { ...need, gpu: [{ attribute: 'graphics', equals: true }] };

    expect(assignTogether([need, picky], candidates)).toEqual([0, 1]);
  });

  it('takes no more than it can do in time', () => {
    const need = { applicationId: 'workstation', storageHost: '10.0.0.1' };
    const needs = Array.from({ length: mostTogether + 1 }, () => need);

    expect(() => assignTogether(needs, [])).toThrow(RangeError);
    expect(assignTogether([], [])).toEqual([]);
  });
});
