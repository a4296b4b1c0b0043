import type { Placement } from '@medusa/protocol';
import type { Candidate, PlacementNeed } from './candidate.ts';
import { describeObstacle, findObstacle } from './filter.ts';
import { defaultCalibration, emptyPrediction, predictInto, type Calibration } from './predict.ts';
import { defaultWeights, scoreOf, tenth, termsOf, type Weights } from './score.ts';

export type PlacementRules = { readonly weights: Weights; readonly calibration: Calibration };

export const defaultRules: PlacementRules = { weights: defaultWeights, calibration: defaultCalibration };

type NoCapacity = {
  readonly kind: 'no-capacity';
  /** One sentence in plain words, for the one who waits. */
  readonly reason: string;
  readonly considered: Placement['considered'];
};

export type PlacementAnswer = { readonly kind: 'placed'; readonly placement: Placement } | NoCapacity;

/** Of more nodes than this, only the best ones and some of the refused ones are told of. */
const mostTold = 20;
const mostBest = 14;

/** Chooses the node for one session: who cannot is put aside with the reason, who can is scored by its predictions. */
export function planPlacement(
  need: PlacementNeed,
  candidates: readonly Candidate[],
  rules: PlacementRules = defaultRules,
): PlacementAnswer {
  const scores = scoreAll(need, candidates, rules);
  const best = bestOf(scores, candidates);
  const facts = { need, candidates, scores, rules };
  if (best === undefined)
    return { kind: 'no-capacity', reason: explainShortage(need, candidates), considered: consider(facts) };
  const among = candidates.length === 1 ? 'the only node' : `the best of ${candidates.length} nodes`;
  return { kind: 'placed', placement: explain(facts, { chosen: best, among }) };
}

/** The placement on a node that was chosen together with those of other sessions; undefined when it cannot be there. */
export function explainChoice(
  need: PlacementNeed,
  candidates: readonly Candidate[],
  chosen: Candidate,
): Placement | undefined {
  const scores = scoreAll(need, candidates, defaultRules);
  const score = scores[candidates.indexOf(chosen)];
  if (score === undefined || Number.isNaN(score)) return undefined;
  const among = `the place among ${candidates.length} nodes, chosen for all who waited together`;
  return explain({ need, candidates, scores, rules: defaultRules }, { chosen, among });
}

type Facts = {
  readonly need: PlacementNeed;
  readonly candidates: readonly Candidate[];
  /** NaN: refused. */
  readonly scores: Float64Array;
  readonly rules: PlacementRules;
};

function scoreAll(
  need: PlacementNeed,
  candidates: readonly Candidate[],
  { calibration, weights }: PlacementRules,
): Float64Array {
  const scores = new Float64Array(candidates.length).fill(Number.NaN);
  const prediction = emptyPrediction();
  let index = -1;
  for (const candidate of candidates) {
    index += 1;
    if (findObstacle(need, candidate) !== undefined) continue;
    predictInto(prediction, { need, candidate }, calibration);
    scores[index] = scoreOf(candidate, prediction, weights);
  }
  return scores;
}

function bestOf(scores: Float64Array, candidates: readonly Candidate[]): Candidate | undefined {
  let best: Candidate | undefined;
  let most = Number.NEGATIVE_INFINITY;
  let index = -1;
  for (const candidate of candidates) {
    index += 1;
    const score = scores[index] ?? Number.NaN;
    // Equal scores: the name decides, so that the same question has one answer.
    if (score > most || (score === most && best !== undefined && candidate.nodeId < best.nodeId)) {
      most = score;
      best = candidate;
    }
  }
  return best;
}

function explain(facts: Facts, { chosen, among }: { chosen: Candidate; among: string }): Placement {
  const { need, rules } = facts;
  const prediction = emptyPrediction();
  predictInto(prediction, { need, candidate: chosen }, rules.calibration);
  const { isMeasured, ...times } = prediction;
  return {
    nodeId: chosen.nodeId,
    reason: `${chosen.nodeId} is ${among}: ${noteOf(facts, chosen)}.${runnerUpOf(facts, chosen)}`,
    predicted: {
      ...mapValues(times),
      ...{ isMeasured, pricePerHour: chosen.pricePerHour, calibration: rules.calibration.version },
    },
    considered: consider(facts),
  };
}

function mapValues<Name extends string>(times: Readonly<Record<Name, number>>): Record<Name, number> {
  const rounded = Object.entries<number>(times).map(([name, value]) => [name, Math.round(value)] as const);
  return Object.fromEntries(rounded) as Record<Name, number>;
}

/** All in their order while they are few; of many, the best by score and then some of the refused. */
function consider(facts: Facts): Placement['considered'] {
  const { candidates, scores } = facts;
  if (candidates.length <= mostTold)
    return candidates.map((candidate, index) => judge(facts, candidate, scores[index] ?? Number.NaN));
  const best = bestIndexes(scores);
  const told = [...best, ...firstRefused(scores, mostTold - best.length)];
  return told.flatMap((index) => {
    const candidate = candidates[index];
    return candidate ? [judge(facts, candidate, scores[index] ?? Number.NaN)] : [];
  });
}

function bestIndexes(scores: Float64Array): number[] {
  const best: number[] = [];
  const scoreAt = (index: number | undefined): number => scores[index ?? -1] ?? Number.NEGATIVE_INFINITY;
  for (let index = 0; index < scores.length; index += 1) {
    const score = scoreAt(index);
    if (Number.isNaN(score) || (best.length === mostBest && score <= scoreAt(best[mostBest - 1]))) continue;
    let place = best.length;
    while (place > 0 && scoreAt(best[place - 1]) < score) place -= 1;
    best.splice(place, 0, index);
    if (best.length > mostBest) best.pop();
  }
  return best;
}

function firstRefused(scores: Float64Array, most: number): number[] {
  const refused: number[] = [];
  for (let index = 0; index < scores.length && refused.length < most; index += 1)
    if (Number.isNaN(scores[index])) refused.push(index);
  return refused;
}

function judge(facts: Facts, candidate: Candidate, score: number): Placement['considered'][number] {
  const { need, rules } = facts;
  const { nodeId } = candidate;
  const obstacle = findObstacle(need, candidate);
  if (obstacle !== undefined)
    return { nodeId, score: null, note: describeObstacle(obstacle, candidate), terms: [] };
  const prediction = emptyPrediction();
  predictInto(prediction, { need, candidate }, rules.calibration);
  const terms = termsOf(candidate, prediction, rules.weights);
  return { nodeId, score: tenth(score), note: noteOf(facts, candidate), terms };
}

function noteOf({ need, rules }: Facts, candidate: Candidate): string {
  const { slots, usedSlots, load1, cpus, rendering, host } = candidate;
  return [
    `${slots - usedSlots} of ${slots} slots free`,
    `load ${load1.toFixed(1)} on ${cpus} CPUs`,
    host === need.storageHost ? 'next to the stored study' : 'away from the stored study',
    rendering === 'webgl' ? 'draws by GPU' : 'draws by CPU',
    firstImageOf({ need, rules }, candidate),
  ].join(', ');
}

function firstImageOf({ need, rules }: Pick<Facts, 'need' | 'rules'>, candidate: Candidate): string {
  const prediction = emptyPrediction();
  predictInto(prediction, { need, candidate }, rules.calibration);
  const seconds = (prediction.firstImageMs / 1_000).toFixed(1);
  const measured = need.paths?.get(candidate.zone)?.data.kbps;
  const path = measured
    ? ` (its path to the study was measured at ${rateText(measured.typical)})`
    : prediction.isMeasured
      ? ''
      : ' (its path was not measured yet)';
  return `first image in about ${seconds} s${path}`;
}

function rateText(kbps: number): string {
  const mbps = kbps / 1_000;
  return `${mbps < 10 ? mbps.toFixed(1) : Math.round(mbps)} Mbit/s`;
}

/** What the best one was preferred to, where there was a choice. */
function runnerUpOf(facts: Facts, chosen: Candidate): string {
  const [best, next] = bestIndexes(facts.scores).map((index) => facts.candidates[index]);
  if (best !== chosen || !next) return '';
  return ` Next best is ${next.nodeId}: ${firstImageOf(facts, next)}.`;
}

function explainShortage(need: PlacementNeed, candidates: readonly Candidate[]): string {
  const ready = candidates.filter(({ state, hasLink }) => state === 'ready' && hasLink);
  if (ready.length === 0) return 'No render node is ready yet';
  const slots = ready.reduce((sum, node) => sum + node.slots, 0);
  const free = ready.filter(({ slots: all, usedSlots }) => usedSlots < all);
  if (free.length === 0) return `All ${slots} slots are taken`;
  const obstacles = new Set(free.map((candidate) => findObstacle(need, candidate)));
  if (obstacles.size === 1 && obstacles.has('application'))
    return 'No node with a free slot has the application';
  return `None of the ${free.length} nodes with a free slot fits what is asked for`;
}
