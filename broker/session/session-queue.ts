import type { NodeView, Reservation } from '@medusa/protocol';
import { admit, estimateWaitSeconds, type Admission, type Applicant } from '../capacity/index.ts';
import type { Candidate } from '../placement/index.ts';
import { zoneOf } from '../node/index.ts';
import { isRecovering, type SessionRecord } from './session-record.ts';

/** The render nodes with the slots that are held there. */
export function toCandidates(
  nodes: readonly NodeView[],
  used: ReadonlyMap<string, number>,
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
      usedSlots: used.get(node.id) ?? 0,
      applications: capabilities.applications,
      cpus: Math.max(1, capabilities.cpus),
      load1: node.load1 ?? 0,
      rendering: capabilities.rendering,
      host: capabilities.rtcAddress,
      architecture: capabilities.architecture,
      encoders: capabilities.encoders,
      gpu: capabilities.gpu === null ? null : gpuOf(capabilities.gpu, capabilities.rendering === 'webgl'),
      provider: node.provider,
      zone: zoneOf(node),
      isPrivate: capabilities.access === 'private',
      takesRelay: (capabilities.relayPort ?? null) !== null,
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

/** All that a pass over the queue goes by, as it was at its beginning. */
export type Surroundings = {
  readonly candidates: readonly Candidate[];
  /** Sessions that hold a slot. */
  readonly holding: readonly SessionRecord[];
  /** How long the latest sessions ran. */
  readonly recentSeconds: readonly number[];
  readonly reservations: readonly Reservation[];
  readonly now: Date;
};

/** The others hold reading parts, which do not wait by themselves. */
function isForPeople({ isPrivate }: Candidate): boolean {
  return isPrivate !== true;
}

type Waiting = Applicant & { readonly record: SessionRecord };

const assumedSeconds = 15 * 60;

/** Who may have a slot now, and who waits for what, in the order of the queue. */
export function admitWaiting(
  waiting: readonly SessionRecord[],
  { candidates, holding, recentSeconds, reservations, now }: Surroundings,
): Admission<Waiting>[] {
  const ready = candidates.filter((node) => node.state === 'ready' && node.hasLink && isForPeople(node));
  const heldBy = new Map<string, number>();
  for (const { ownerId } of holding) heldBy.set(ownerId, (heldBy.get(ownerId) ?? 0) + 1);
  const sorted = [...recentSeconds].sort((a, b) => a - b);
  const applicants = waiting.map((record) => ({
    ...{ record, id: record.id, ownerId: record.ownerId },
    // Somebody sits before it and waits for the picture to come back.
    priority: isRecovering(record) ? ('stat' as const) : record.priority,
    requestedAtMs: Date.parse(record.createdAt),
  }));
  return admit(applicants, {
    nowMs: now.getTime(),
    totalSlots: sum(ready.map(({ slots }) => slots)),
    freeSlots: sum(ready.map(({ slots, usedSlots }) => Math.max(0, slots - usedSlots))),
    heldBy,
    reservations: reservations.map(({ ownerId, slots, startsAt, endsAt }) => ({
      ...{ ownerId, slots, fromMs: Date.parse(startsAt), toMs: Date.parse(endsAt) },
    })),
    typicalSeconds: sorted[Math.floor(sorted.length / 2)] ?? assumedSeconds,
  });
}

/** What the one who waits is told. `untilMs`: when what is in the way ends by itself, at the latest. */
export function describeQueue(
  { position, reason, untilMs }: { position: number; reason: string; untilMs: number | null },
  { candidates, holding, recentSeconds, now }: Surroundings,
): NonNullable<SessionRecord['queue']> {
  const ready = candidates.filter((node) => node.state === 'ready' && isForPeople(node));
  const slots = sum(ready.map((node) => node.slots));
  const runningSeconds = holding.map(
    ({ createdAt, streamingAt }) => (now.getTime() - Date.parse(streamingAt ?? createdAt)) / 1000,
  );
  const released = estimateWaitSeconds({ position, slots, runningSeconds, recentSeconds });
  const until = untilMs === null ? null : Math.max(0, Math.round((untilMs - now.getTime()) / 1000));
  return { position, etaSeconds: until === null ? released : Math.min(until, released ?? until), reason };
}

/** The estimate runs down by itself; only a real change is worth a write. */
export function isSameQueue(
  known: SessionRecord['queue'],
  queue: NonNullable<SessionRecord['queue']>,
): boolean {
  if (known?.position !== queue.position || known.reason !== queue.reason) return false;
  if (known.etaSeconds === null || queue.etaSeconds === null) return known.etaSeconds === queue.etaSeconds;
  return Math.abs(known.etaSeconds - queue.etaSeconds) < 5;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
