import { drainFirst, renew } from './renewal.ts';
import { decision, pollMs, type Decision, type Facts } from './decision.ts';
import { fingerprintOf, kindOf, type Intent, type ResourceRecord, type Status, type Thing } from './model.ts';
import type { Settlement } from './store.ts';
import { tendAddress, tendVolume } from './tend-holders.ts';
import { tendMachine } from './tend-machine.ts';

/**
 * What to do about one resource, from what is wanted and what there is. Pure: the same facts have the same answer on every broker.
 * `things`: everything at the provider that bears the resource's tag, each once.
 */
export function decide(record: ResourceRecord, things: readonly Thing[], facts: Facts): Decision {
  const { incarnation } = record.status;
  const alive = things.filter(({ state }) => state !== 'terminated').filter(isConcerned(record));
  const newest = Math.max(incarnation, ...alive.map(({ tag }) => tag.incarnation));
  // The database was put back to an older state: what runs is newer than what we know.
  if (newest > incarnation) return catchUp(record, newest);
  const current = alive.filter(({ tag }) => tag.incarnation === incarnation);
  const settle = facts.intents.flatMap((intent) => settleCutOff(intent, incarnation));
  const create = facts.intents.find(
    (intent) => intent.action === 'create' && intent.incarnation === incarnation,
  );
  const rest = paced(record, decideSettled(record, { alive, current, things, create }, facts), facts.now);
  return { ...rest, settle: [...settle, ...rest.settle] };
}

/** After a failure the next call waits, unless the wish has changed. */
function paced({ wish, status }: ResourceRecord, made: Decision, now: number): Decision {
  const leftMs = status.failedRevision === wish.revision ? (status.nextTryAt ?? 0) - now : 0;
  if (!made.call || leftMs <= 0) return made;
  const isBlocked = status.blocked?.revision === wish.revision;
  const phase = isBlocked ? 'error' : status.phase;
  return { ...made, phase, reason: status.reason, waiting: 'retry', patch: {}, call: null, againMs: leftMs };
}

/**
 * Volumes and snapshots hold what cannot be made again: one that is not the one we know is left to the sweep, which holds it for a
 * person.
 */
function isConcerned(record: ResourceRecord): (thing: Thing) => boolean {
  const { ref } = record.status;
  if (ref === null || !holdsData(record)) return () => true;
  return (thing) => thing.ref === ref;
}

type Found = {
  readonly alive: readonly Thing[];
  readonly current: readonly Thing[];
  readonly things: readonly Thing[];
  readonly create: Intent | undefined;
};

function decideSettled(record: ResourceRecord, found: Found, facts: Facts): Decision {
  const { create } = found;
  const [thing, ...others] = inOrder(record, found.current);
  if (others.length > 0 && !holdsData(record)) return dismissSurplus(record, others);
  if (create)
    return thing ? adopt(record, thing, { create, now: facts.now }) : findOut(record, create, facts);
  const older = holdsData(record) ? undefined : found.alive.find(isOlder(record));
  if (older) return dismiss(record, older, record.status.reason);
  if (!record.wish.isWanted) return letGo(record, thing, facts);
  if (!thing) return bringAbout(record, found, facts);
  if (record.status.ref !== thing.ref) return adopt(record, thing, { now: facts.now });
  return tend(record, thing, facts);
}

const isOlder =
  ({ status }: ResourceRecord) =>
  ({ tag }: Thing): boolean =>
    tag.incarnation < status.incarnation;

const holdsData = (record: ResourceRecord): boolean =>
  kindOf(record) === 'volume' || kindOf(record) === 'snapshot';

/** Only a create can leave something unseen. All other calls are judged by looking, and made again where needed. */
function settleCutOff({ id, action, incarnation }: Intent, present: number): Settlement[] {
  if (action === 'create' && incarnation === present) return [];
  return [{ id, state: 'unknown', fault: null, detail: 'Cut off; judged by looking' }];
}

function catchUp(record: ResourceRecord, incarnation: number): Decision {
  return decision({
    phase: record.status.phase,
    reason: `Incarnation ${incarnation} was found at the provider`,
    patch: { incarnation, ref: null, made: null },
    againMs: 0,
  });
}

/** The one we know stays; else the oldest; else the one whose id comes first, so that every broker picks the same. */
function inOrder({ status }: ResourceRecord, current: readonly Thing[]): Thing[] {
  const age = ({ createdAt }: Thing): number => createdAt?.getTime() ?? Number.MAX_SAFE_INTEGER;
  return [...current].sort(
    (a, b) =>
      Number(b.ref === status.ref) - Number(a.ref === status.ref) ||
      age(a) - age(b) ||
      (a.ref < b.ref ? -1 : 1),
  );
}

function dismissSurplus(record: ResourceRecord, others: readonly Thing[]): Decision {
  const surplus = others.find(({ state }) => state !== 'stopping') ?? others[0];
  if (!surplus) throw new Error('Nothing is there twice');
  return dismiss(record, surplus, 'The same thing is there twice');
}

/** Destroys a thing that is not the one wanted, or waits until it is gone. */
function dismiss({ status }: ResourceRecord, thing: Thing, reason: string): Decision {
  const phase = status.phase === 'absent' ? 'destroying' : status.phase;
  const waiting = 'destroy';
  if (thing.state === 'stopping') return decision({ phase, reason, waiting, againMs: 500 });
  return decision({ phase, reason, waiting, call: { action: 'destroy', ref: thing.ref } });
}

function adopt(
  record: ResourceRecord,
  thing: Thing,
  { create, now }: { create?: Intent | undefined; now: number },
): Decision {
  const { status } = record;
  const sentAt = create?.startedAt ?? thing.createdAt?.getTime() ?? now;
  const fingerprint = status.made?.fingerprint ?? fingerprintOf(record.wish.spec);
  const detail = `Found: ${thing.detail}`;
  return decision({
    phase: record.wish.isWanted ? 'creating' : 'destroying',
    reason: detail,
    patch: { ref: thing.ref, made: { sentAt, acceptedAt: now, fingerprint } },
    settle: create ? [{ id: create.id, state: 'succeeded', fault: null, detail }] : [],
    againMs: 0,
  });
}

/** A create whose outcome is not known, and nothing is seen of it. */
function findOut(record: ResourceRecord, create: Intent, { now, traits }: Facts): Decision {
  const reason = 'The outcome of the last call is not known';
  const isSafe = traits.uniqueNames || traits.idempotencyTokens;
  if (isSafe && record.wish.isWanted)
    return decision({
      phase: 'creating',
      reason,
      waiting: 'create',
      call: { action: 'create', operationId: create.id },
    });
  if (create.endedAt === null)
    return decision({
      phase: 'quarantined',
      reason,
      waiting: 'visibility',
      settle: [{ id: create.id, state: 'unknown', fault: 'unknown-outcome', detail: 'The call was cut off' }],
      againMs: 0,
    });
  const leftMs = create.endedAt + traits.visibilityMs - now;
  if (leftMs > 0)
    return decision({
      phase: 'quarantined',
      reason,
      waiting: 'visibility',
      againMs: Math.min(leftMs, pollMs(traits.visibilityMs)),
    });
  const detail = 'Nothing of it appeared';
  return decision({
    phase: record.wish.isWanted ? 'planned' : 'destroying',
    reason: detail,
    settle: [{ id: create.id, state: 'failed', fault: 'unknown-outcome', detail }],
    againMs: 0,
  });
}

/** It was accepted so lately that the provider need not show it yet: not to be seen does not mean gone. */
function isYetUnseen({ status }: ResourceRecord, { now, traits }: Facts): boolean {
  return status.ref !== null && now - (status.made?.acceptedAt ?? 0) < traits.visibilityMs;
}

/** Not wanted any more. */
function letGo(record: ResourceRecord, thing: Thing | undefined, facts: Facts): Decision {
  const { status } = record;
  if (!thing && isYetUnseen(record, facts))
    return decision({
      phase: 'destroying',
      reason: 'Not wanted any more',
      waiting: 'visibility',
      againMs: pollMs(facts.traits.visibilityMs),
    });
  if (!thing)
    return decision({
      phase: 'absent',
      reason: 'Not wanted any more',
      patch: { ref: null, seen: null, made: null, attempts: 0, nextTryAt: null, blocked: null },
    });
  if (facts.mustHold)
    return decision({
      phase: 'held',
      reason: 'It may hold patient data: a person decides',
      patch: { ref: thing.ref },
    });
  if (facts.neededBy !== null)
    return decision({
      phase: 'draining',
      reason: `Needed by ${facts.neededBy}`,
      waiting: 'dependents',
      againMs: 30_000,
    });
  const drain = drainFirst(record, facts, 'Not wanted any more');
  if (drain) return drain;
  if (thing.holder !== null) {
    const action = kindOf(record) === 'volume' ? 'detach' : 'unassign';
    const call = { action, ref: thing.ref } as const;
    return decision({ phase: 'draining', reason: 'Not wanted any more', waiting: action, call });
  }
  const reason = status.phase === 'destroying' ? status.reason : 'Not wanted any more';
  return { ...dismiss(record, thing, reason), phase: 'destroying' };
}

/** Wanted, and not there. */
function bringAbout(record: ResourceRecord, { things }: Found, facts: Facts): Decision {
  const { status, wish } = record;
  if (status.ref !== null) return lost(record, things, facts);
  if (
    wish.spec.kind === 'machine' &&
    wish.spec.power !== 'on' &&
    status.made === null &&
    status.phase === 'planned'
  )
    return decision({ phase: 'planned', reason: 'Switched off: made when it is switched on' });
  if (status.blocked?.revision === wish.revision) return decision({ phase: 'error', reason: status.reason });
  if (facts.waitsFor !== null)
    return decision({
      phase: 'planned',
      reason: `Waits for ${facts.waitsFor}`,
      waiting: 'dependencies',
      againMs: 30_000,
    });
  return decision({
    phase: 'creating',
    reason: status.reason,
    waiting: 'create',
    call: { action: 'create', operationId: null },
  });
}

/** It was there, and it is not any more. */
function lost(record: ResourceRecord, things: readonly Thing[], facts: Facts): Decision {
  const { status } = record;
  if (isYetUnseen(record, facts))
    return decision({
      phase: status.phase,
      reason: status.reason,
      waiting: status.waiting?.step ?? 'visibility',
      againMs: pollMs(facts.traits.visibilityMs),
    });
  const gone = things.find(({ ref }) => ref === status.ref);
  const why = gone && gone.detail !== '' ? gone.detail : 'It is gone at the provider';
  // What it held cannot be made again: a person has to know.
  if (holdsData(record))
    return decision({
      phase: 'error',
      reason: `${why}, and its content with it`,
      patch: { blocked: { fault: 'not-found', revision: record.wish.revision }, ref: null, made: null },
    });
  return renew(record, why, facts.now);
}

/** Wanted, and there. */
function tend(record: ResourceRecord, thing: Thing, facts: Facts): Decision {
  const made =
    kindOf(record) === 'machine' ? tendMachine(record, thing, facts) : tendOther(record, thing, facts);
  return { ...made, patch: { seen: seenOf(thing, facts.now), ...made.patch } };
}

function tendOther(record: ResourceRecord, thing: Thing, facts: Facts): Decision {
  const sinceMs = facts.now - (record.status.made?.acceptedAt ?? facts.now);
  switch (thing.state) {
    case 'pending':
    case 'starting':
      return decision({
        phase: 'creating',
        reason: thing.detail,
        waiting: 'ready',
        againMs: pollMs(sinceMs),
      });
    case 'stopping':
      return decision({ phase: 'degraded', reason: `It is going: ${thing.detail}`, againMs: 1_000 });
    case 'error':
      return brokenOther(record, thing, facts);
    default:
      return tendUsable(record, thing, facts);
  }
}

/** One that was never usable holds nothing and is made anew. */
function brokenOther(record: ResourceRecord, thing: Thing, { now }: Facts): Decision {
  if (record.status.phase === 'creating' && !holdsData(record)) return renew(record, thing.detail, now);
  return decision({ phase: 'error', reason: thing.detail, againMs: 30_000 });
}

function tendUsable(record: ResourceRecord, thing: Thing, facts: Facts): Decision {
  if (kindOf(record) === 'volume') return tendVolume(record, thing, facts);
  if (kindOf(record) === 'address') return tendAddress(record, thing, facts);
  return ready(record);
}

function ready({ status }: ResourceRecord): Decision {
  const patch: Partial<Status> = { attempts: 0, nextTryAt: null, blocked: null };
  return decision({ phase: 'ready', reason: status.phase === 'ready' ? status.reason : 'Usable', patch });
}

function seenOf(thing: Thing, now: number): Status['seen'] {
  const { state, detail, addresses, holder, cidrs } = thing;
  return { at: now, state, detail, addresses, holder, cidrs };
}
