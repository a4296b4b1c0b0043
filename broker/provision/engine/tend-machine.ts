import { powerActions, type MachineAction } from '../port/index.ts';
import { decision, pollMs, type Decision, type Facts } from './decision.ts';
import type { Ask, ResourceRecord, Status, Thing } from './model.ts';
import { drainFirst, renew } from './renewal.ts';

type MachineWish = Extract<ResourceRecord['wish']['spec'], { kind: 'machine' }>;

/** A machine that is there and wanted: brought up, joined, kept well, switched as wanted. */
export function tendMachine(record: ResourceRecord, thing: Thing, facts: Facts): Decision {
  const ask = openAsk(record);
  if (ask?.action !== 'replace') return byState[thing.state](record, thing, facts);
  const drain = drainFirst(record, facts, 'To be replaced');
  return drain ?? answered(renew(record, 'as asked', facts.now), ask.id);
}

type Tend = (record: ResourceRecord, thing: Thing, facts: Facts) => Decision;

const down: Tend = (record, thing, facts) =>
  (record.wish.spec as MachineWish).power === 'on'
    ? wake(record, thing, facts)
    : asleep(record, thing, facts);

const byState: Record<Thing['state'], Tend> = {
  pending: boot,
  starting: boot,
  unknown: boot,
  error: broken,
  stopping: (_record, thing) =>
    decision({ phase: 'degraded', reason: `It is going: ${thing.detail}`, againMs: 1_000 }),
  stopped: down,
  suspended: down,
  running,
  // Not reached: what is gone for good is not there.
  terminated: running,
};

/** Whether its own link says that it lives, whatever the provider says. */
function isHeard({ node, now, limits }: Facts): boolean {
  return node?.seenAt != null && now - node.seenAt < limits.hungMs;
}

function boot(record: ResourceRecord, thing: Thing, facts: Facts): Decision {
  const sinceMs = facts.now - (record.status.made?.acceptedAt ?? facts.now);
  if (sinceMs > facts.limits.bootMs)
    return renewUnlessBraked(record, `It did not start in ${facts.limits.bootMs / 1000} s`, facts);
  return decision({ phase: 'creating', reason: thing.detail, waiting: 'boot', againMs: pollMs(sinceMs) });
}

function broken(record: ResourceRecord, thing: Thing, facts: Facts): Decision {
  const why = thing.detail === '' ? 'In error at the provider' : thing.detail;
  if (isHeard(facts) && (facts.node?.liveSessions ?? 0) > 0)
    return decision({
      phase: 'degraded',
      reason: `${why}; its sessions go on`,
      waiting: 'sessions',
      againMs: 15_000,
    });
  return renew(record, why, facts.now);
}

/** Switched off or asleep, and wanted on. */
function wake(record: ResourceRecord, thing: Thing, facts: Facts): Decision {
  const action: MachineAction = thing.state === 'suspended' ? 'resume' : 'start';
  const usable = [action, 'start' as const].find((candidate) => facts.machineActions.includes(candidate));
  if (usable === undefined) return renew(record, `It was ${thing.state}`, facts.now);
  return decision({
    phase: 'creating',
    reason: `It was ${thing.state}`,
    waiting: 'start',
    call: { action: usable, ref: thing.ref },
    patch: { runningSince: null },
  });
}

/** Off as wanted; from suspended to stopped one has to wake it first. */
function asleep(record: ResourceRecord, thing: Thing, facts: Facts): Decision {
  const { power } = record.wish.spec as MachineWish;
  const wanted = power === 'off' ? 'stopped' : 'suspended';
  if (thing.state !== wanted) return wake(record, thing, facts);
  return decision({
    phase: 'ready',
    reason: power === 'off' ? 'Switched off' : 'Suspended',
    patch: { runningSince: null },
  });
}

function running(record: ResourceRecord, thing: Thing, facts: Facts): Decision {
  const spec = record.wish.spec as MachineWish;
  const ask = openAsk(record);
  if (spec.power !== 'on') return switchOff(record, thing, facts);
  if (ask?.action === 'restart') return restart(record, thing, { facts, askId: ask.id });
  const runningSince = record.status.runningSince ?? facts.now;
  if (spec.role === 'plain') return settle(record, { runningSince }, 'Running');
  return hasJoined(record, facts) ? joined(record, thing, facts) : joining(record, { runningSince, facts });
}

/** This incarnation, not one before it. */
function hasJoined({ status }: ResourceRecord, { node }: Facts): boolean {
  return node?.joinedAt != null && node.joinedAt >= (status.made?.sentAt ?? 0);
}

function openAsk({ wish, status }: ResourceRecord): Ask | null {
  return wish.ask !== null && wish.ask.id !== status.answered ? wish.ask : null;
}

function answered(made: Decision, id: string): Decision {
  return { ...made, patch: { ...made.patch, answered: id } };
}

function joining(
  record: ResourceRecord,
  { runningSince, facts }: { runningSince: number; facts: Facts },
): Decision {
  const { limits, now } = facts;
  const leftMs = Math.max(runningSince, facts.listeningSince) + limits.joinMs - now;
  if (leftMs <= 0)
    return renewUnlessBraked(record, `It did not join within ${Math.round(limits.joinMs / 1000)} s`, facts);
  return decision({
    phase: 'joining',
    reason:
      record.status.phase === 'joining' ? record.status.reason : 'It runs; its agent has not joined yet',
    waiting: 'join',
    patch: { runningSince },
    // Its registration is told; this is for the deadline.
    againMs: Math.min(leftMs, 5_000),
  });
}

function joined(record: ResourceRecord, thing: Thing, facts: Facts): Decision {
  const { status } = record;
  const seenAt = Math.max(facts.node?.seenAt ?? 0, facts.listeningSince);
  const silentMs = facts.now - seenAt;
  if (silentMs >= facts.limits.hungMs) return hung(record, thing, { facts, silentMs });
  const patch = { runningSince: status.runningSince ?? facts.now, remediedAt: null };
  const again = Math.max(1_000, facts.limits.hungMs - silentMs);
  return { ...settle(record, patch, 'Joined'), againMs: again };
}

/** It runs and says nothing: restarted first, replaced when that did not help. Never while sessions may live on it. */
function hung(
  record: ResourceRecord,
  thing: Thing,
  { facts, silentMs }: { facts: Facts; silentMs: number },
): Decision {
  const { status } = record;
  const why = `No heartbeat for ${Math.round(silentMs / 1000)} s`;
  const wait = (reason: string, waiting: string): Decision =>
    decision({ phase: 'degraded', reason, waiting, againMs: 5_000 });
  if ((facts.node?.liveSessions ?? 0) > 0) return wait(`${why}; its sessions may go on`, 'sessions');
  if (facts.isBraked) return wait(`${why}; too many nodes of the pool are unwell to act`, 'brake');
  const { limits, now } = facts;
  if (status.remediedAt !== null && now - status.remediedAt < limits.joinMs)
    return wait(`${why}; restarted`, 'join');
  if (status.remediedAt === null && facts.machineActions.includes('restart'))
    return decision({
      phase: 'degraded',
      reason: `${why}; restarted`,
      waiting: 'join',
      call: { action: 'restart', ref: thing.ref },
      patch: { remediedAt: now },
    });
  return renew(record, why, now);
}

function restart(
  record: ResourceRecord,
  thing: Thing,
  { facts, askId }: { facts: Facts; askId: string },
): Decision {
  const drain = drainFirst(record, facts, 'To be restarted');
  if (drain) return drain;
  if (!facts.machineActions.includes('restart'))
    return answered(renew(record, 'to restart it', facts.now), askId);
  // Marked as done before it is called: a restart cut off is not made twice.
  return decision({
    phase: 'joining',
    reason: 'Restarted as asked',
    waiting: 'join',
    call: { action: 'restart', ref: thing.ref },
    patch: {
      answered: askId,
      runningSince: facts.now,
      made: record.status.made && { ...record.status.made, sentAt: facts.now },
    },
  });
}

function switchOff(record: ResourceRecord, thing: Thing, facts: Facts): Decision {
  const { power } = record.wish.spec as MachineWish;
  const drain = drainFirst(record, facts, power === 'off' ? 'To be switched off' : 'To be suspended');
  if (drain) return drain;
  const action = powerActions[power];
  if (!facts.machineActions.includes(action))
    return decision({ phase: 'error', reason: `The provider cannot ${action} machines` });
  return decision({
    phase: 'draining',
    reason: power === 'off' ? 'To be switched off' : 'To be suspended',
    waiting: action,
    call: { action, ref: thing.ref },
    patch: { made: record.status.made && { ...record.status.made, sentAt: facts.now } },
  });
}

function renewUnlessBraked(record: ResourceRecord, why: string, facts: Facts): Decision {
  if (facts.isBraked)
    return decision({
      phase: 'degraded',
      reason: `${why}; too many nodes of the pool are unwell to act`,
      waiting: 'brake',
      againMs: 15_000,
    });
  return renew(record, why, facts.now);
}

/** Well; drained when that is wanted. */
function settle({ wish, status }: ResourceRecord, patch: Partial<Status>, reason: string): Decision {
  const well: Partial<Status> = { attempts: 0, nextTryAt: null, blocked: null, ...patch };
  if (wish.isDraining)
    return decision({ phase: 'draining', reason: 'Drained: takes no new session', patch: well });
  return decision({ phase: 'ready', reason: status.phase === 'ready' ? status.reason : reason, patch: well });
}
