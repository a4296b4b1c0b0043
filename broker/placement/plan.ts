import type { NodeId, NodeState, Placement } from '@medusa/protocol';

export type PlacementNeed = {
  readonly applicationId: string;
  /** Host on which the study is stored. */
  readonly storageHost: string;
};

export type Candidate = {
  readonly nodeId: NodeId;
  readonly state: NodeState;
  readonly hasLink: boolean;
  readonly slots: number;
  readonly usedSlots: number;
  readonly applications: readonly string[];
  readonly cpus: number;
  readonly load1: number;
  readonly rendering: 'cpu' | 'webgl';
  readonly host: string;
};

export type NoCapacity = {
  readonly kind: 'no-capacity';
  /** One sentence in plain words, for the one who waits. */
  readonly reason: string;
  readonly considered: Placement['considered'];
};

type Verdict = { candidate: Candidate; score: number | null; note: string };

const weights = { freeSlots: 40, idle: 30, sameSite: 20, graphics: 10 } as const;

/** Chooses the node for one session: who cannot is put aside with the reason, who can is scored from 0 to 100. */
export function planPlacement(
  need: PlacementNeed,
  candidates: readonly Candidate[],
): { readonly kind: 'placed'; readonly placement: Placement } | NoCapacity {
  const verdicts = candidates.map((candidate): Verdict => judge(need, candidate));
  const considered = verdicts.map(({ candidate, score, note }) => ({
    nodeId: candidate.nodeId,
    score,
    note,
  }));
  // Equal scores: the name decides, so that the same question has one answer.
  const [best] = verdicts
    .flatMap(({ candidate, score, note }) => (score === null ? [] : [{ candidate, score, note }]))
    .sort((a, b) => b.score - a.score || a.candidate.nodeId.localeCompare(b.candidate.nodeId));
  if (!best) return { kind: 'no-capacity', reason: explainShortage(candidates), considered };
  const others = candidates.length - 1;
  const among = others === 0 ? 'the only node' : `the best of ${candidates.length} nodes`;
  const reason = `${best.candidate.nodeId} is ${among}: ${best.note}.`;
  return { kind: 'placed', placement: { nodeId: best.candidate.nodeId, reason, considered } };
}

function judge(need: PlacementNeed, candidate: Candidate): Verdict {
  const obstacle = findObstacle(need, candidate);
  if (obstacle !== undefined) return { candidate, score: null, note: obstacle };
  const free = candidate.slots - candidate.usedSlots;
  const idle = Math.max(0, 1 - candidate.load1 / candidate.cpus);
  const isSameSite = candidate.host === need.storageHost;
  const isWebgl = candidate.rendering === 'webgl';
  const score =
    weights.freeSlots * (free / candidate.slots) +
    weights.idle * idle +
    (isSameSite ? weights.sameSite : 0) +
    (isWebgl ? weights.graphics : 0);
  const note = [
    `${free} of ${candidate.slots} slots free`,
    `load ${candidate.load1.toFixed(1)} on ${candidate.cpus} CPUs`,
    isSameSite ? 'next to the stored study' : 'away from the stored study',
    isWebgl ? 'draws by GPU' : 'draws by CPU',
  ].join(', ');
  return { candidate, score: Math.round(score * 10) / 10, note };
}

function findObstacle(need: PlacementNeed, candidate: Candidate): string | undefined {
  if (candidate.state !== 'ready') return `is ${candidate.state}`;
  if (!candidate.hasLink) return 'has no link to the broker';
  if (!candidate.applications.includes(need.applicationId)) return 'does not have the application';
  if (candidate.usedSlots >= candidate.slots) return `all ${candidate.slots} slots are taken`;
  return undefined;
}

function explainShortage(candidates: readonly Candidate[]): string {
  const ready = candidates.filter(({ state, hasLink }) => state === 'ready' && hasLink);
  if (ready.length === 0) return 'No render node is ready yet';
  const isFull = ready.every(({ slots, usedSlots }) => usedSlots >= slots);
  const slots = ready.reduce((sum, node) => sum + node.slots, 0);
  return isFull ? `All ${slots} slots are taken` : 'No node with a free slot has the application';
}
