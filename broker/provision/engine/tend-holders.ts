import { decision, type Decision, type Facts, type Holder } from './decision.ts';
import type { ResourceRecord, Status, Thing } from './model.ts';

const well: Partial<Status> = { attempts: 0, nextTryAt: null, blocked: null };

/** A volume that is usable: at the machine that shall have it, put back to a snapshot when that is asked. */
export function tendVolume(record: ResourceRecord, thing: Thing, facts: Facts): Decision {
  const { holder } = facts;
  if (isRevertAsked(record)) return revert(thing, facts);
  if (holder === undefined)
    return decision({ phase: 'degraded', reason: 'Waits for its machine', waiting: 'machine', patch: well });
  if (thing.holder === (holder?.ref ?? null)) return settled(holder && `Attached to ${holder.id}`);
  if (thing.holder !== null || holder === null)
    return change('Attached elsewhere', 'detach', { action: 'detach', ref: thing.ref });
  return change(`To be attached to ${holder.id}`, 'attach', {
    action: 'attach',
    ref: thing.ref,
    machineRef: holder.ref,
  });
}

function isRevertAsked({ wish: { ask }, status }: ResourceRecord): boolean {
  return ask?.action === 'revert' && ask.id !== status.answered;
}

const settled = (reason: string | null): Decision =>
  decision({ phase: 'ready', reason: reason ?? 'Detached', patch: well });

/** Taken for done with its success only: putting back again changes nothing. */
function revert({ ref, holder }: Thing, { snapshotRef }: Facts): Decision {
  if (holder !== null) return change('To be reverted', 'detach', { action: 'detach', ref });
  if (snapshotRef !== null) return change('To be reverted', 'revert', { action: 'revert', ref, snapshotRef });
  return decision({
    phase: 'degraded',
    reason: 'The snapshot is not there',
    waiting: 'snapshot',
    againMs: 30_000,
  });
}

/** A floating address: at the first of its machines that is well. */
export function tendAddress(record: ResourceRecord, thing: Thing, facts: Facts): Decision {
  const { ref } = thing;
  if (facts.takers === null)
    return thing.holder === null
      ? settled('Not assigned')
      : change('To be unassigned', 'unassign', { action: 'unassign', ref });
  const taker = chooseTaker(record, thing, facts);
  if (!taker) return nobody(thing, facts);
  if (thing.holder === taker.ref) return settled(`Assigned to ${taker.id}`);
  const { wish, status } = record;
  const isFirst = wish.spec.kind === 'address' && wish.spec.assignedTo === taker.id;
  const call = { action: 'assign', ref, machineRef: taker.ref } as const;
  const movedAtRevision = isFirst ? status.movedAtRevision : wish.revision;
  return { ...change(`To be assigned to ${taker.id}`, 'assign', call), patch: { movedAtRevision } };
}

/**
 * Judged by who has it in truth. Where it once had to move it stays, as long as that machine is well: moving back would break
 * connections a second time.
 */
function chooseTaker({ wish, status }: ResourceRecord, { holder }: Thing, facts: Facts): Holder | undefined {
  const takers = facts.takers ?? [];
  if (holder === null && facts.awaited !== null) return undefined;
  const hasMoved = status.movedAtRevision === wish.revision;
  return (hasMoved ? takers.find(({ ref }) => ref === holder) : undefined) ?? takers[0];
}

function nobody({ holder }: Thing, { awaited }: Facts): Decision {
  const isAwaited = holder === null && awaited !== null;
  const reason = isAwaited ? `Waits for ${awaited}` : 'None of its machines is well';
  return decision({ phase: 'degraded', reason, waiting: 'machine', patch: well });
}

function change(reason: string, waiting: string, call: NonNullable<Decision['call']>): Decision {
  return decision({ phase: 'degraded', reason, waiting, call });
}
