import type { PlacementTerm } from '@medusa/protocol';
import type { Candidate } from './candidate.ts';
import type { Prediction } from './predict.ts';

/** The most points that each term can give; they need not sum up to 100, but are easier to read when they do. */
export type Weights = {
  readonly firstImage: number;
  readonly frame: number;
  readonly freeSlots: number;
  readonly idle: number;
  readonly price: number;
  readonly energy: number;
  readonly opinion: number;
};

export const defaultWeights: Weights = {
  firstImage: 35,
  frame: 15,
  freeSlots: 25,
  idle: 15,
  price: 5,
  energy: 2,
  opinion: 3,
};

/** A value of that size gives half of the points. */
const half = { firstImageMs: 2_500, frameMs: 60, pricePerHour: 0.5, watts: 40 } as const;
/** How much of the way from the typical to the cautious value is reckoned with. */
const caution = 0.5;

/** 0 … sum of the weights. Makes no object: it runs for every node of every decision. */
export function scoreOf(candidate: Candidate, prediction: Prediction, weights: Weights): number {
  return (
    weights.firstImage * firstImageQuality(prediction) +
    weights.frame * frameQuality(prediction) +
    weights.freeSlots * freeQuality(candidate) +
    weights.idle * idleQuality(candidate) +
    weights.price * lessIsBetter(candidate.pricePerHour, half.pricePerHour) +
    weights.energy * lessIsBetter(candidate.watts, half.watts) +
    weights.opinion * (candidate.opinion ?? 0.5)
  );
}

/** The same sum, term by term, for whoever wants to know. */
export function termsOf(candidate: Candidate, prediction: Prediction, weights: Weights): PlacementTerm[] {
  const { firstImageMs, frameMs } = prediction;
  const { slots, usedSlots, load1, cpus, pricePerHour, watts, opinion } = candidate;
  const term = (
    name: PlacementTerm['term'],
    [value, unit]: readonly [number | null, string],
    quality: number,
  ): PlacementTerm => ({
    ...{ term: name, unit, value: value === null ? null : tenth(value) },
    ...{ points: tenth(weights[name] * quality), outOf: weights[name] },
  });
  return [
    term('firstImage', [firstImageMs, 'ms'], firstImageQuality(prediction)),
    term('frame', [frameMs, 'ms'], frameQuality(prediction)),
    term('freeSlots', [slots - usedSlots, 'slots'], freeQuality(candidate)),
    term('idle', [Math.max(0, cpus - load1), 'CPUs'], idleQuality(candidate)),
    term('price', [pricePerHour, 'per hour'], lessIsBetter(pricePerHour, half.pricePerHour)),
    term('energy', [watts, 'W'], lessIsBetter(watts, half.watts)),
    term('opinion', [opinion, 'of 1'], opinion ?? 0.5),
  ];
}

export function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

function firstImageQuality({ firstImageMs, firstImageCautiousMs }: Prediction): number {
  return lessIsBetter(firstImageMs + caution * (firstImageCautiousMs - firstImageMs), half.firstImageMs);
}

function frameQuality({ frameMs, frameCautiousMs }: Prediction): number {
  return lessIsBetter(frameMs + caution * (frameCautiousMs - frameMs), half.frameMs);
}

function freeQuality({ slots, usedSlots }: Candidate): number {
  return (slots - usedSlots) / slots;
}

function idleQuality({ load1, cpus }: Candidate): number {
  return Math.max(0, 1 - load1 / cpus);
}

/** 1 for nothing, 1/2 at `halfAt`, towards 0 for much; what is not known counts as middling. */
function lessIsBetter(value: number | null, halfAt: number): number {
  return value === null ? 0.5 : halfAt / (halfAt + value);
}
