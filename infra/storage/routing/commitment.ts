import { createHash } from 'node:crypto';
import { z } from 'zod';
import { writeDataSet } from '../dicom/data-set-writer.ts';
import { itemsOf, textOf, type DicomJson } from '../dicom/dicom-json.ts';
import { MalformedDataSet } from '../dicom/malformed.ts';
import { explicitLittleEndian } from '../dicom/transfer-syntax.ts';
import type { WorkerPool } from '../dicom/worker-pool.ts';
import type { Service } from '../dimse/association.ts';
import { commandFields, statuses, type CommandStatus } from '../dimse/command.ts';
import type { MessageExchange } from '../dimse/exchange.ts';
import { whole, type AcceptedContext, type Operation } from '../dimse/operation.ts';
import { requestAssociation, type Caller } from '../dimse/requestor.ts';
import { identifierSyntaxes, storageCommitment } from '../dimse/services.ts';
import type { EntityRegistry } from '../entities/registry.ts';
import type { JobQueue } from '../index/jobs.ts';
import { instanceOf } from '../index/retrieval.ts';
import type { IndexDatabase } from '../index/index-database.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Worker } from './routing.ts';

export type CommitmentDeps = {
  readonly index: IndexDatabase;
  readonly objects: Pick<ObjectStore, 'read'>;
  readonly headers: WorkerPool;
  readonly jobs: JobQueue;
  readonly registry: EntityRegistry;
  readonly caller: Caller;
};

/** PS3.4 §J.3: the one instance of the class, and what can be asked of it and told. */
const wellKnownInstance = '1.2.840.10008.1.20.1.1';
const requestCommitment = 1;
const eventTypes = { allCommitted: 1, failuresExist: 2 } as const;
const mostInstances = 50_000;

const askedSchema = z.array(z.tuple([z.string(), z.string()]));
type Asked = z.infer<typeof askedSchema>;

/** N-ACTION as SCP: answered when the request is recorded. The report follows, on this association only when we could not call. */
export function commitmentService(deps: CommitmentDeps & { wake(): void }): Service {
  return async (operation, bytes) => {
    const asked = await readRequest(operation, bytes, deps);
    if ('status' in asked) return operation.respond(asked);
    const { callingTitle: destination } = operation;
    const { transactionUID: subject } = asked;
    deps.jobs.add({ kind: 'commitment', destination, subject, detail: JSON.stringify(asked.instances) });
    await operation.respond({ status: statuses.success });
    const entity = (await deps.registry.current()).entities[destination];
    if (entity?.host !== undefined && entity.port !== undefined) {
      deps.wake();
      return;
    }
    const report = await verify(asked.instances, deps);
    const way = { exchange: operation.exchange, context: operation.context };
    if (!(await tell(way, { transactionUID: subject, ...report }))) return;
    const told = deps.jobs
      .take({ kind: 'commitment', destination }, 1_000)
      .find((job) => job.subject === subject);
    if (told) deps.jobs.done(told);
  };
}

type Request = { readonly transactionUID: string; readonly instances: Asked };

async function readRequest(
  { command, context }: Operation,
  bytes: Buffer | undefined,
  { headers }: CommitmentDeps,
): Promise<Request | CommandStatus> {
  if (command.requestedSopInstanceUID !== wellKnownInstance) return { status: statuses.noSuchObjectInstance };
  if (command.actionTypeId !== requestCommitment) return { status: statuses.noSuchAction };
  if (!bytes) return { status: statuses.processingFailure, comment: 'the request is too long' };
  const isExplicit = context.transferSyntax === explicitLittleEndian;
  try {
    const { attributes } = await headers.run({ kind: 'identifier', bytes, isExplicit });
    const transactionUID = textOf(attributes, '00081195');
    const instances = itemsOf(attributes, '00081199').map((item): [string, string] => [
      textOf(item, '00081150'),
      textOf(item, '00081155'),
    ]);
    const isWhole = isUid(transactionUID) && instances.flat().every(isUid);
    if (!isWhole || instances.length === 0 || instances.length > mostInstances)
      return { status: statuses.invalidArgument };
    return { transactionUID, instances };
  } catch (error) {
    if (!(error instanceof MalformedDataSet)) throw error;
    return { status: statuses.invalidArgument, comment: error.message };
  }
}

function isUid(text: string): boolean {
  return /^[0-9]+(\.[0-9]+)*$/.test(text) && text.length <= 64;
}

/** Reports that are due, each checked anew: what is said must be true when it is said. */
export function commitmentWorker(deps: CommitmentDeps): Worker {
  return async (jobs, target, settle) => {
    if (target.entity.host === undefined) {
      for (const job of jobs) settle(job, { kind: 'failed', reason: 'its address is not known' });
      return;
    }
    await using association = await requestAssociation(deps.caller, {
      ...target,
      contexts: [{ id: 1, abstractSyntax: storageCommitment, transferSyntaxes: identifierSyntaxes }],
      // We ask for the association, but are the one that provides the service (PS3.4 §J.3.3).
      roles: [{ sopClassUID: storageCommitment, isScu: false, isScp: true }],
    });
    const [context] = association.contexts;
    if (!context) throw new Error('storage commitment is not taken there');
    for (const job of jobs) {
      const report = await verify(askedSchema.parse(JSON.parse(job.detail)), deps);
      const isTold = await tell(
        { exchange: association.exchange, context },
        { transactionUID: job.subject, ...report },
      );
      settle(job, isTold ? { kind: 'done' } : { kind: 'later', reason: 'the report was not taken' });
    }
  };
}

type Report = {
  readonly committed: Asked;
  readonly failed: readonly (readonly [...Asked[number], number])[];
};

async function verify(asked: Asked, deps: CommitmentDeps): Promise<Report> {
  const committed: Asked = [];
  const failed: (readonly [string, string, number])[] = [];
  for (const [sopClassUID, sopInstanceUID] of asked) {
    const reason = await refusalOf(sopClassUID, sopInstanceUID, deps);
    if (reason === undefined) committed.push([sopClassUID, sopInstanceUID]);
    else failed.push([sopClassUID, sopInstanceUID, reason]);
  }
  return { committed, failed };
}

/** PS3.3 §C.14: why we cannot promise to keep it; undefined when its bytes were read and are those that came. */
async function refusalOf(
  sopClassUID: string,
  sopInstanceUID: string,
  { index, objects }: CommitmentDeps,
): Promise<number | undefined> {
  const instance = instanceOf(index, sopInstanceUID);
  if (!instance) return statuses.noSuchObjectInstance;
  if (instance.sopClassUID !== sopClassUID) return statuses.classInstanceConflict;
  const hash = createHash('sha256');
  try {
    const dataSet = objects.read(instance.sha256, [[instance.dataOffset, instance.bytes]]);
    for await (const chunk of dataSet) hash.update(chunk);
  } catch {
    return statuses.processingFailure;
  }
  return hash.digest('hex') === instance.sha256 ? undefined : statuses.processingFailure;
}

type Way = { readonly exchange: MessageExchange; readonly context: AcceptedContext };

/** N-EVENT-REPORT; whether it was taken. */
async function tell(
  { exchange, context }: Way,
  report: Report & { transactionUID: string },
): Promise<boolean> {
  const { committed, failed, transactionUID } = report;
  const reference = ([sopClass, instance]: readonly [string, string, ...unknown[]]): DicomJson => ({
    '00081150': { vr: 'UI', Value: [sopClass] },
    '00081155': { vr: 'UI', Value: [instance] },
  });
  const json: DicomJson = {
    '00081195': { vr: 'UI', Value: [transactionUID] },
    ...(committed.length > 0 && { '00081199': { vr: 'SQ', Value: committed.map(reference) } }),
    ...(failed.length > 0 && {
      '00081198': {
        vr: 'SQ',
        Value: failed.map((one) => ({ ...reference(one), '00081197': { vr: 'US', Value: [one[2]] } })),
      },
    }),
  };
  const isExplicit = context.transferSyntax === explicitLittleEndian;
  const responses = exchange.invoke(
    context.id,
    {
      affectedSopClassUID: storageCommitment,
      field: commandFields.eventReportRequest,
      affectedSopInstanceUID: wellKnownInstance,
      eventTypeId: failed.length > 0 ? eventTypes.failuresExist : eventTypes.allCommitted,
    },
    whole(writeDataSet(json, { isExplicit, characterSet: '' })),
  );
  for await (const { command } of responses) return command.status === statuses.success;
  return false;
}
