import type { NodeId, Placement } from '@medusa/protocol';
import {
  explainChoice,
  planWithSplit,
  type Candidate,
  type LinkBook,
  type PathEstimate,
  type PlacementNeed,
  type SplitNeed,
  type ZonePaths,
} from '../placement/index.ts';
import type { SessionRecord } from './session-record.ts';

type Split = NonNullable<Placement['split']>;

/** How an application that may run in two parts is to run, with the reason; `reader` null: as a whole, wherever that is best. */
export type PartsChoice =
  | { readonly reader: null; readonly split: Split }
  | { readonly reader: Candidate; readonly viewer: Candidate; readonly placement: Placement };

/**
 * What a picture on a display of 1280×720 takes when it is scrolled past, and when somebody rests on it, with doubt (measured on CT by
 * `npm run -s bench -- split`).
 */
const passingBytes = 8_000;
const restingBytes = 60_000;
/** Of so many pictures one is rested on. */
const picturesPerRest = 10;
const referencePx = 1_280 * 720;
/** Within a site, as long as nothing was measured there. */
const withinSite: PathEstimate = {
  kbps: { typical: 1_000_000, cautious: 200_000 },
  rttMs: { typical: 0.5, cautious: 5 },
};

type Facts = {
  readonly record: Pick<SessionRecord, 'studySize' | 'widthPx' | 'heightPx'>;
  readonly need: PlacementNeed;
  readonly links: Pick<LinkBook, 'path'>;
  /** Where the storage node with the study stands. */
  readonly dataZone: string;
};

/** Decides by the real size of the study; without it nothing is split. */
export function chooseParts(facts: Facts, candidates: readonly Candidate[]): PartsChoice {
  const { studySize } = facts.record;
  if (!studySize)
    return whole('The storage node does not tell how large the study is', { whole: null, split: null });
  const need = splitNeedOf(facts, studySize);
  const answer = planWithSplit(need, candidates);
  if (answer.kind === 'whole') return whole(answer.reason, answer);
  const reader = byId(candidates, answer.reader);
  const viewer = byId(candidates, answer.viewer);
  const placement = viewer && explainChoice({ ...facts.need, part: 'viewer' }, candidates, viewer);
  if (!reader || !placement) return whole('There are no two nodes for a split', answer);
  const split: Split = {
    ...{ readerNodeId: answer.reader, reason: answer.reason },
    ...{ wholeBytes: answer.whole?.wanBytes ?? null, splitBytes: answer.split.wanBytes },
  };
  return { reader, viewer, placement: { ...placement, reason: `In two parts: ${answer.reason}`, split } };
}

/** The placement of one that runs as a whole although it need not, in words. */
export function asWhole(placement: Placement, split: Split): Placement {
  return { ...placement, reason: `${placement.reason} As a whole: ${split.reason}.`, split };
}

function whole(
  reason: string,
  figures: { whole: { wanBytes: number } | null; split: { wanBytes: number } | null },
): PartsChoice {
  const wholeBytes = figures.whole?.wanBytes ?? null;
  const splitBytes = figures.split?.wanBytes ?? null;
  return { reader: null, split: { readerNodeId: null, reason, wholeBytes, splitBytes } };
}

function splitNeedOf(
  { record, need, links, dataZone }: Facts,
  { bytes, instances }: NonNullable<SessionRecord['studySize']>,
): SplitNeed {
  const scale = (record.widthPx * record.heightPx) / referencePx;
  const rests = 1 + instances / picturesPerRest;
  return {
    ...need,
    ...{ dataZone, studyBytes: bytes, paths: withSite(need.paths, dataZone) },
    resultBytes: Math.round(scale * (instances * passingBytes + rests * restingBytes)),
    firstResultBytes: Math.round(scale * restingBytes),
    pathBetween: (from, to) => links.path(from, to),
  };
}

function withSite(paths: PlacementNeed['paths'], dataZone: string): ReadonlyMap<string, ZonePaths> {
  const known = paths?.get(dataZone);
  const site: ZonePaths = {
    user: known?.user ?? { kbps: null, rttMs: null },
    data: {
      kbps: known?.data.kbps ?? withinSite.kbps,
      rttMs: known?.data.rttMs ?? withinSite.rttMs,
    },
  };
  return new Map([...(paths ?? []), [dataZone, site]]);
}

function byId(candidates: readonly Candidate[], nodeId: NodeId): Candidate | undefined {
  return candidates.find((candidate) => candidate.nodeId === nodeId);
}
