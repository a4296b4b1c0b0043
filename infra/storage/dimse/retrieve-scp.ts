import type { Logger } from 'pino';
import { writeDataSet } from '../dicom/data-set-writer.ts';
import { own } from '../dicom/own.ts';
import { explicitLittleEndian } from '../dicom/transfer-syntax.ts';
import type { Entity, EntityRegistry } from '../entities/registry.ts';
import {
  instancesOf,
  kindsOf,
  selectionOf,
  uniqueKeyOf,
  type KindOfObject,
  type Selection,
  type StoredInstance,
} from '../index/retrieval.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Service } from './association.ts';
import { statuses, type CommandElements } from './command.ts';
import type { MessageExchange } from './exchange.ts';
import { mismatch, readAsked, type QueryDeps } from './find-scp.ts';
import type { AcceptedContext, Operation } from './operation.ts';
import { contextFor, inGroups, keyOf, proposedFor } from './proposals.ts';
import { requestAssociation, type Caller } from './requestor.ts';
import { isWarning, sendStored, type Originator } from './store-scu.ts';

export type RetrieveDeps = QueryDeps & {
  readonly objects: Pick<ObjectStore, 'borrow'>;
  readonly registry: EntityRegistry;
  readonly caller: Caller;
  readonly log: Logger;
};

/** Between two responses that only count. */
const reportMs = 500;
/** (0008,0058) has a length of 16 bits when it is written explicitly. */
const mostFailedUIDs = 900;

/** C-GET as SCP (PS3.4 §C.4.3): over the association itself, in the contexts for which the peer is SCP. */
export function getService(deps: RetrieveDeps): Service {
  return async (operation, bytes) => {
    const retrieval = await begin(operation, bytes, deps);
    if (!retrieval) return;
    const { contexts, exchange } = operation;
    const receivers = [...contexts.values()].filter(({ isReceiver }) => isReceiver);
    for (const instance of instancesOf(deps.index, retrieval.selection)) {
      if (operation.cancelled.aborted) break;
      await retrieval.send(instance, { exchange, contexts: receivers });
    }
    await retrieval.end();
  };
}

/** C-MOVE as SCP (PS3.4 §C.4.2): to an application entity of the registry, over associations of our own. */
export function moveService(deps: RetrieveDeps): Service {
  return async (operation, bytes) => {
    const title = operation.command.moveDestination;
    const entity = own((await deps.registry.current()).entities, title);
    if (entity?.host === undefined || entity.port === undefined)
      return operation.respond({ status: statuses.unknownMoveDestination });
    const retrieval = await begin(operation, bytes, deps);
    if (!retrieval) return;
    const { command, callingTitle, cancelled } = operation;
    const originator = { title: callingTitle, messageId: command.messageId };
    const target = { title, entity, originator };
    for (const kinds of inGroups(kindsOf(deps.index, retrieval.selection)))
      if (!isCancelled(cancelled)) await moveKinds(deps, { target, retrieval, cancelled, kinds });
    await retrieval.end();
  };
}

type Move = {
  readonly target: { readonly title: string; readonly entity: Entity; readonly originator: Originator };
  readonly retrieval: Retrieval;
  readonly cancelled: AbortSignal;
  readonly kinds: readonly KindOfObject[];
};

/** Over one association, as many kinds as that can have. */
async function moveKinds(deps: RetrieveDeps, { target, retrieval, cancelled, kinds }: Move): Promise<void> {
  const { title, entity, originator } = target;
  const ours = new Set(kinds.map(keyOf));
  const instances = (): Iterable<StoredInstance> => instancesOf(deps.index, retrieval.selection);
  let last = 0;
  try {
    await using association = await requestAssociation(deps.caller, {
      title,
      entity,
      contexts: proposedFor(kinds),
    });
    for (const instance of instances()) {
      if (isCancelled(cancelled)) return;
      if (!ours.has(keyOf(instance))) continue;
      await retrieval.send(instance, { ...association, originator });
      last = instance.rowid;
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    deps.log.warn({ destination: title, reason }, 'objects could not be moved');
    for (const instance of instances())
      if (instance.rowid > last && ours.has(keyOf(instance))) retrieval.fail(instance);
  }
}

/** Asked anew each time: it changes while others are awaited. */
function isCancelled(signal: AbortSignal): boolean {
  return signal.aborted;
}

type Way = {
  readonly exchange: MessageExchange;
  readonly contexts: readonly AcceptedContext[];
  readonly originator?: Originator;
};
type Retrieval = {
  readonly selection: Selection;
  /** @throws when the association over which it goes is broken */
  send(instance: StoredInstance, way: Way): Promise<void>;
  fail(instance: StoredInstance): void;
  end(): Promise<void>;
};

async function begin(
  operation: Operation,
  bytes: Buffer | undefined,
  deps: RetrieveDeps,
): Promise<Retrieval | undefined> {
  const asked = await readAsked(operation, bytes, deps);
  if ('status' in asked) {
    await operation.respond(asked);
    return undefined;
  }
  const selection = selectionOf(asked.level, asked.identifier.attributes);
  if (!selection) {
    await operation.respond({ ...mismatch, offendingTag: uniqueKeyOf(asked.level) });
    return undefined;
  }
  const total = kindsOf(deps.index, selection).reduce((sum, { count }) => sum + count, 0);
  return retrievalOf(operation, selection, { total, deps });
}

function retrievalOf(
  operation: Operation,
  selection: Selection,
  { total, deps }: { total: number; deps: RetrieveDeps },
): Retrieval {
  const count = { completed: 0, failed: 0, warning: 0 };
  const failedUIDs: string[] = [];
  let reportedAt = 0;
  const counts = (): CommandElements & { remaining: number } => ({
    ...count,
    remaining: Math.max(0, total - count.completed - count.failed - count.warning),
  });
  const settle = (instance: StoredInstance, status: number | undefined): void => {
    if (status === statuses.success) count.completed += 1;
    else if (status !== undefined && isWarning(status)) count.warning += 1;
    else {
      count.failed += 1;
      if (failedUIDs.length < mostFailedUIDs) failedUIDs.push(instance.sopInstanceUID);
    }
  };
  return {
    selection,
    async send(instance, way) {
      const contextId = contextFor(way.contexts, instance);
      const { originator } = way;
      if (contextId === undefined) settle(instance, undefined);
      else {
        const given = { contextId, instance, ...(originator && { originator }) };
        settle(instance, await sendStored(way.exchange, given, deps.objects));
      }
      if (performance.now() - reportedAt < reportMs) return;
      reportedAt = performance.now();
      await operation.respond({ status: statuses.pending, ...counts() });
    },
    fail: (instance) => settle(instance, undefined),
    async end() {
      if (operation.cancelled.aborted) {
        await operation.respond({ status: statuses.cancelled, ...counts() });
        return;
      }
      const status = finalStatus(count);
      const isExplicit = operation.context.transferSyntax === explicitLittleEndian;
      const failed = { '00080058': { vr: 'UI', Value: failedUIDs } };
      const { completed, failed: failures, warning } = count;
      await operation.respond(
        { status, completed, failed: failures, warning },
        failedUIDs.length > 0 ? writeDataSet(failed, { isExplicit, characterSet: '' }) : undefined,
      );
    },
  };
}

/** PS3.4 tables C.4-2 and C.4-3. */
function finalStatus({
  completed,
  failed,
  warning,
}: {
  completed: number;
  failed: number;
  warning: number;
}): number {
  if (failed === 0) return warning > 0 ? statuses.storedWithWarning : statuses.success;
  return completed + warning > 0 ? statuses.storedWithWarning : statuses.cannotPerformSubOperations;
}
