import type { NodeView } from '@medusa/protocol';
import { estimateWaitSeconds } from '../capacity/index.ts';
import { planPlacement, type Candidate } from '../placement/index.ts';
import type { SessionRecord } from './session-record.ts';

/** The render nodes with the slots that `holding` sessions take. */
export function toCandidates(
  nodes: readonly NodeView[],
  holding: readonly SessionRecord[],
  hasLink: (node: NodeView) => boolean,
): Candidate[] {
  return nodes.flatMap((node) => {
    const { capabilities } = node;
    if (node.kind !== 'render' || !capabilities) return [];
    return {
      nodeId: node.id,
      state: node.state,
      hasLink: hasLink(node),
      slots: capabilities.slots,
      usedSlots: holding.filter(({ nodeId }) => nodeId === node.id).length,
      applications: capabilities.applications,
      cpus: Math.max(1, capabilities.cpus),
      load1: node.load1 ?? 0,
      rendering: capabilities.rendering,
      host: capabilities.rtcAddress,
      architecture: capabilities.architecture,
      encoders: capabilities.encoders,
      gpu: capabilities.gpu === null ? null : gpuOf(capabilities.gpu, capabilities.rendering === 'webgl'),
      provider: node.provider,
      zone: node.provider,
      ...unpriced,
    };
  });
}

/** What no provider tells of its nodes yet: each counts as middling. */
const unpriced = {
  jurisdiction: null,
  security: [],
  pricePerHour: null,
  watts: null,
  opinion: null,
  boot: 'warm',
  queueMs: 0,
} as const;

/** A node tells its device's name; what it does not tell cannot be asked for. */
function gpuOf(model: string, graphics: boolean): Candidate['gpu'] {
  const unknown = { vendor: '', architecture: '', partition: '', driverMajor: 0, memoryMiB: 0 };
  return { ...unknown, model, graphics, encoderSessions: 0 };
}

export type QueueDecision = ReturnType<typeof planPlacement>;

/** Decides for one waiting session against the slots as they are now. */
export function decide(
  record: SessionRecord,
  storageUrl: string,
  candidates: readonly Candidate[],
): QueueDecision {
  const need = { applicationId: record.applicationId, storageHost: new URL(storageUrl).hostname };
  return planPlacement(need, candidates);
}

export function describeQueue(
  position: number,
  reason: string,
  facts: {
    candidates: readonly Candidate[];
    holding: readonly SessionRecord[];
    recentSeconds: readonly number[];
    now: Date;
  },
): NonNullable<SessionRecord['queue']> {
  const { candidates, holding, recentSeconds, now } = facts;
  const slots = candidates
    .filter(({ state }) => state === 'ready')
    .reduce((sum, node) => sum + node.slots, 0);
  const runningSeconds = holding.map(
    ({ createdAt, streamingAt }) => (now.getTime() - Date.parse(streamingAt ?? createdAt)) / 1000,
  );
  return {
    position,
    etaSeconds: estimateWaitSeconds({ position, slots, runningSeconds, recentSeconds }),
    reason,
  };
}
