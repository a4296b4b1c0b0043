import { decision, type Decision, type Facts } from './decision.ts';
import type { ResourceRecord, Status, Thing } from './model.ts';

const well: Partial<Status> = { attempts: 0, nextTryAt: null, blocked: null };

/** A volume that is usable: at the machine that shall have it, put back to a snapshot when that is asked. */
export function tendVolume(record: ResourceRecord, thing: Thing, facts: Facts): Decision {
  const { wish, status } = record;
  const { holder } = facts;
  const isAsked = wish.ask?.action === 'revert' && wish.ask.id !== status.answered;
  if (isAsked) return revert(thing, facts);
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
export function tendAddress({ wish, status }: ResourceRecord, thing: Thing, { holder }: Facts): Decision {
  if (holder === undefined)
    return decision({
      phase: 'degraded',
      reason: 'None of its machines is well',
      waiting: 'machine',
      patch: well,
    });
  if (thing.holder === (holder?.ref ?? null))
    return decision({
      phase: 'ready',
      reason: holder ? `Assigned to ${holder.id}` : 'Not assigned',
      patch: well,
    });
  if (holder === null) return change('To be unassigned', 'unassign', { action: 'unassign', ref: thing.ref });
  const isFirst = wish.spec.kind === 'address' && wish.spec.assignedTo === holder.id;
  const call = { action: 'assign', ref: thing.ref, machineRef: holder.ref } as const;
  const movedAtRevision = isFirst ? status.movedAtRevision : wish.revision;
  return { ...change(`To be assigned to ${holder.id}`, 'assign', call), patch: { movedAtRevision } };
}

function change(reason: string, waiting: string, call: NonNullable<Decision['call']>): Decision {
  return decision({ phase: 'degraded', reason, waiting, call });
}
