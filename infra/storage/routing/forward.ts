import { contextFor, keyOf, proposedFor } from '../dimse/proposals.ts';
import { requestAssociation, type Caller } from '../dimse/requestor.ts';
import { isWarning, sendStored } from '../dimse/store-scu.ts';
import { instanceOf } from '../index/retrieval.ts';
import type { IndexDatabase } from '../index/index-database.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { JobOutcome, Worker } from './routing.ts';

export type ForwardDeps = {
  readonly index: IndexDatabase;
  readonly objects: Pick<ObjectStore, 'borrow'>;
  readonly caller: Caller;
};

/** C-STORE of what arrived to where a rule says. */
export function forwardWorker({ index, objects, caller }: ForwardDeps): Worker {
  return async (jobs, target, settle) => {
    const known = jobs.flatMap((job) => {
      const instance = instanceOf(index, job.subject);
      if (!instance) settle(job, { kind: 'failed', reason: 'the object is gone' });
      return instance ? [{ job, instance }] : [];
    });
    const kinds = [...new Map(known.map(({ instance }) => [keyOf(instance), instance])).values()];
    if (kinds.length === 0) return;
    await using association = await requestAssociation(caller, { ...target, contexts: proposedFor(kinds) });
    for (const { job, instance } of known) {
      const contextId = contextFor(association.contexts, instance);
      if (contextId === undefined)
        settle(job, { kind: 'failed', reason: 'its SOP class or transfer syntax is not taken there' });
      else settle(job, outcomeOf(await sendStored(association.exchange, { contextId, instance }, objects)));
    }
  };
}

function outcomeOf(status: number): JobOutcome {
  if (status === 0 || isWarning(status)) return { kind: 'done' };
  const reason = `status ${status.toString(16).padStart(4, '0')}`;
  // PS3.4 table B.2-1: out of resources passes.
  const passes = (status & 0xff00) === 0xa700 || status === 0x0110;
  return passes ? { kind: 'later', reason } : { kind: 'failed', reason };
}
