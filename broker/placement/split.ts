import type { Candidate, PathEstimate, PlacementNeed } from './candidate.ts';
import { findObstacle } from './filter.ts';
import { defaultRules, planPlacement, type PlacementAnswer, type PlacementRules } from './plan.ts';
import { emptyPrediction, predictInto } from './predict.ts';

/** An application in two parts: one reads the data, the other shows what came out. Sizes in bytes. */
export type SplitNeed = PlacementNeed & {
  /** What the reading part reads in all. */
  readonly studyBytes: number;
  /** What it sends to the viewing part in all. */
  readonly resultBytes: number;
  /** What it sends before there is an image. */
  readonly firstResultBytes: number;
  /** The zone in which the study is: reading there crosses no wide area network. */
  readonly dataZone: string;
  /** Between two zones. */
  readonly pathBetween: (from: string, to: string) => PathEstimate;
};

/** What a plan costs the network, and what its user would see. */
type PlanFigures = {
  readonly wanBytes: number;
  readonly firstImageMs: number;
  readonly frameMs: number;
  readonly pricePerHour: number | null;
};

export type SplitAnswer =
  | {
      readonly kind: 'whole';
      readonly answer: PlacementAnswer;
      readonly whole: PlanFigures | null;
      readonly split: PlanFigures | null;
      readonly reason: string;
    }
  | {
      readonly kind: 'split';
      readonly reader: Candidate['nodeId'];
      readonly viewer: Candidate['nodeId'];
      readonly whole: PlanFigures | null;
      readonly split: PlanFigures;
      readonly reason: string;
    };

/** Beyond this delay a hand feels it: a split that makes it so much longer does not pay. */
const mostFrameMs = 150;
const mostLonger = 4 / 3;
/** A split holds two slots: it has to spare the network so many times over, or it does not pay. */
const leastGain = 2;

/** Decides whether an application that can be split is, and tells the figures of both ways. */
export function planWithSplit(
  need: SplitNeed,
  candidates: readonly Candidate[],
  rules: PlacementRules = defaultRules,
): SplitAnswer {
  const answer = planPlacement(need, candidates, rules);
  const wholeNode =
    answer.kind === 'placed'
      ? candidates.find(({ nodeId }) => nodeId === answer.placement.nodeId)
      : undefined;
  const whole = wholeNode ? figuresOfWhole(need, wholeNode, rules) : null;
  const pair = findPair(need, candidates, rules);
  if (!pair)
    return { kind: 'whole', answer, whole, split: null, reason: 'There are no two nodes for a split' };
  const { split } = pair;
  const obstacle = whole && whyNotSplit(whole, split);
  if (obstacle) return { kind: 'whole', answer, whole, split, reason: obstacle };
  return {
    kind: 'split',
    reader: pair.reader.nodeId,
    viewer: pair.viewer.nodeId,
    ...{ whole, split, reason: describe({ whole, split }, pair) },
  };
}

function whyNotSplit(whole: PlanFigures, split: PlanFigures): string | null {
  if (whole.wanBytes < split.wanBytes * leastGain)
    return `A split would send ${megabytes(split.wanBytes)} over the wide area instead of ${megabytes(whole.wanBytes)}: too little gain`;
  if (split.frameMs > mostFrameMs && split.frameMs > whole.frameMs * mostLonger)
    return `A split would show a move after ${Math.round(split.frameMs)} ms instead of ${Math.round(whole.frameMs)} ms`;
  if (split.firstImageMs > whole.firstImageMs)
    return `A split would show the first image ${seconds(split.firstImageMs - whole.firstImageMs)} later`;
  return null;
}

function describe(
  { whole, split }: { whole: PlanFigures | null; split: PlanFigures },
  { reader, viewer }: { reader: Candidate; viewer: Candidate },
): string {
  const instead = whole
    ? `${megabytes(split.wanBytes)} over the wide area instead of ${megabytes(whole.wanBytes)}, first image in about ${seconds(split.firstImageMs)} instead of ${seconds(whole.firstImageMs)}`
    : `${megabytes(split.wanBytes)} over the wide area, first image in about ${seconds(split.firstImageMs)}; no node can do it as a whole`;
  return `${reader.nodeId} reads next to the study, ${viewer.nodeId} shows: ${instead}.`;
}

function figuresOfWhole(need: SplitNeed, candidate: Candidate, rules: PlacementRules): PlanFigures {
  const prediction = emptyPrediction();
  predictInto(prediction, { need, candidate }, rules.calibration);
  return {
    wanBytes: candidate.zone === need.dataZone ? 0 : need.studyBytes,
    firstImageMs: prediction.firstImageMs,
    frameMs: prediction.frameMs,
    pricePerHour: candidate.pricePerHour,
  };
}

type Pair = { readonly reader: Candidate; readonly viewer: Candidate; readonly split: PlanFigures };

/** The best reader at the data, with the best viewer outside of its zone. */
function findPair(
  need: SplitNeed,
  candidates: readonly Candidate[],
  rules: PlacementRules,
): Pair | undefined {
  const atData = candidates.filter(({ zone }) => zone === need.dataZone);
  const reader = chosenOf(planPlacement({ ...need, part: 'reader' }, atData, rules), atData);
  if (!reader) return undefined;
  const showing: PlacementNeed = { ...need, part: 'viewer' };
  const viewers = candidates.filter(
    (candidate) => candidate.zone !== need.dataZone && findObstacle(showing, candidate) === undefined,
  );
  let best: Pair | undefined;
  for (const viewer of viewers) {
    const split = figuresOfSplit(need, { reader, viewer }, rules);
    if (!best || split.firstImageMs + split.frameMs < best.split.firstImageMs + best.split.frameMs)
      best = { reader, viewer, split };
  }
  return best;
}

function figuresOfSplit(
  need: SplitNeed,
  { reader, viewer }: { reader: Candidate; viewer: Candidate },
  { calibration }: PlacementRules,
): PlanFigures {
  const reading = emptyPrediction();
  predictInto(reading, { need, candidate: reader }, calibration);
  const between = need.pathBetween(reader.zone, viewer.zone);
  const kbps = (between.kbps ?? calibration.unknown.kbps).typical;
  const rttMs = (between.rttMs ?? calibration.unknown.rttMs).typical;
  // The reader draws; the people are where the viewer is.
  const showing = emptyPrediction();
  predictInto(showing, { need, candidate: { ...reader, zone: viewer.zone } }, calibration);
  const price =
    reader.pricePerHour === null || viewer.pricePerHour === null
      ? null
      : reader.pricePerHour + viewer.pricePerHour;
  return {
    wanBytes: need.resultBytes,
    firstImageMs: reading.firstImageMs + (need.firstResultBytes * 8) / kbps + calibration.roundTrips * rttMs,
    // What a hand does goes to the reader and back before the viewer can show it.
    frameMs: showing.frameMs + rttMs,
    pricePerHour: price,
  };
}

function chosenOf(answer: PlacementAnswer, candidates: readonly Candidate[]): Candidate | undefined {
  if (answer.kind !== 'placed') return undefined;
  return candidates.find(({ nodeId }) => nodeId === answer.placement.nodeId);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0)} MB`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
