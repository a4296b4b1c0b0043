import type { Application, NodeId, Placement } from '@medusa/protocol';
import type { Offer } from '../capacity/index.ts';
import {
  assignTogether,
  explainChoice,
  mostTogether,
  planPlacement,
  sitePlace,
  userPlace,
  type Candidate,
  type LinkBook,
  type PlacementNeed,
  type ZonePaths,
} from '../placement/index.ts';
import type { SessionRecord } from './session-record.ts';

type NeedFacts = {
  readonly storageUrl: string;
  readonly zones: ReadonlySet<string>;
  readonly links: LinkBook;
  readonly application: Application | undefined;
};

/** What a session asks of placement: its application, and paths that were measured to its study and its user. */
export function needOf(
  record: SessionRecord,
  { storageUrl, zones, links, application }: NeedFacts,
): PlacementNeed {
  const paths = new Map<string, ZonePaths>();
  for (const zone of zones)
    paths.set(zone, {
      data: links.path(sitePlace(record.storageNodeId), zone),
      user: links.path(zone, userPlace(record.ownerId)),
    });
  // Whoever has our workstation has it in two parts too.
  const applicationId = application?.canSplit === true ? 'workstation' : record.applicationId;
  return { applicationId, storageHost: new URL(storageUrl).hostname, paths };
}

/** The node of each session when several are placed in one pass: the best for all of them together. */
export function chooseTogether(
  needs: readonly PlacementNeed[],
  candidates: readonly Candidate[],
): readonly (NodeId | undefined)[] {
  if (needs.length < 2) return needs.map(() => undefined);
  const assigned = assignTogether(needs.slice(0, mostTogether), candidates);
  return needs.map((_, row) => candidates[assigned[row] ?? -1]?.nodeId);
}

const mostAlternates = 8;

export type Choice =
  | { readonly kind: 'none'; readonly reason: string }
  | {
      readonly kind: 'some';
      /** Best first: another broker may take the best one first. */
      readonly offers: readonly Offer[];
      /** In words, for the one of the offers that it became. */
      explain(nodeId: NodeId): Placement;
    };

/** Where a session may be, the best first; `preferred` before all others when it can be there. */
export function chooseNodes(
  need: PlacementNeed,
  candidates: readonly Candidate[],
  preferred: NodeId | undefined,
): Choice {
  const answer = planPlacement(need, candidates);
  if (answer.kind === 'no-capacity') return { kind: 'none', reason: answer.reason };
  const { placement } = answer;
  const ranked = placement.considered
    .flatMap(({ nodeId, score }) => (score === null ? [] : [{ nodeId, score }]))
    .sort((a, b) => b.score - a.score)
    .map(({ nodeId }) => nodeId);
  const byId = new Map(candidates.map((candidate) => [candidate.nodeId, candidate]));
  const first = preferred !== undefined && byId.has(preferred) ? preferred : placement.nodeId;
  const ids = [...new Set([first, placement.nodeId, ...ranked])].slice(0, mostAlternates);
  return {
    kind: 'some',
    offers: ids.flatMap((nodeId) => {
      const candidate = byId.get(nodeId);
      return candidate ? [{ nodeId, slots: candidate.slots }] : [];
    }),
    explain(nodeId) {
      const chosen = byId.get(nodeId);
      if (nodeId === placement.nodeId || !chosen) return placement;
      return explainChoice(need, candidates, chosen) ?? { ...placement, nodeId };
    },
  };
}
