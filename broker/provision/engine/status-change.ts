import { isDeepStrictEqual } from 'node:util';
import type { Decision } from './decision.ts';
import type { NewEvent, ResourceRecord, Status } from './model.ts';

/** The status after a decision. */
export function nextStatus({ status }: ResourceRecord, made: Decision, now: number): Status {
  const { phase, reason, waiting, patch } = made;
  const since = waiting !== null && status.waiting?.step === waiting ? status.waiting.since : now;
  return {
    ...status,
    ...patch,
    ...{ phase, reason },
    phaseSince: phase === status.phase ? status.phaseSince : now,
    waiting: waiting === null ? null : { step: waiting, since },
  };
}

/** Steps whose end is worth a line, and whose durations tell how long they usually take. */
const timedSteps = new Set(['boot', 'join', 'ready', 'destroy', 'start', 'stop']);

/** What the change is worth telling. */
export function eventsOf(record: ResourceRecord, after: Status, now: number): NewEvent[] {
  return [...stepEnded(record, after, now), ...phaseChanged(record, after)];
}

function stepEnded(
  { id, provider, status: before, wish }: ResourceRecord,
  after: Status,
  now: number,
): NewEvent[] {
  const { waiting } = before;
  if (waiting === null || after.waiting?.step === waiting.step || !timedSteps.has(waiting.step)) return [];
  const isWell =
    after.incarnation === before.incarnation && after.phase !== 'error' && after.phase !== 'quarantined';
  if (!isWell) return [];
  const step = `${wish.spec.kind}.${waiting.step === 'destroy' ? 'gone' : waiting.step}`;
  const durationMs = now - waiting.since;
  const text = `${step} took ${(durationMs / 1000).toFixed(1)} s`;
  return [{ provider, resource: id, kind: 'step', outcome: 'ok', text, durationMs, step }];
}

const outcomeOf: Partial<Record<Status['phase'], NewEvent['outcome']>> = {
  error: 'failed',
  quarantined: 'unknown',
};

function phaseChanged({ id, provider, status: before }: ResourceRecord, after: Status): NewEvent[] {
  if (before.phase === after.phase && before.incarnation === after.incarnation) return [];
  const isAdopted = before.ref === null && after.ref !== null;
  return [
    {
      ...{ provider, resource: id, kind: isAdopted ? 'adopted' : 'phase', durationMs: null },
      outcome: outcomeOf[after.phase] ?? 'ok',
      text: `${before.phase} → ${after.phase}: ${after.reason}`,
    },
  ];
}

/** A look that shows nothing new is not worth a write. Not as JSON: the database gives keys back in an order of its own. */
export function sameButSeen(before: Status, after: Status): boolean {
  const bare = (status: Status): Status => ({ ...status, seen: status.seen && { ...status.seen, at: 0 } });
  return isDeepStrictEqual(bare(before), bare(after));
}
