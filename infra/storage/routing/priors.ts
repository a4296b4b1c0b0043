import type { Logger } from 'pino';
import type { AccessLog } from '../access/access-log.ts';
import { writeDataSet } from '../dicom/data-set-writer.ts';
import type { DicomJson } from '../dicom/dicom-json.ts';
import { keyText } from '../dicom/identifier.ts';
import { explicitLittleEndian } from '../dicom/transfer-syntax.ts';
import type { WorkerPool } from '../dicom/worker-pool.ts';
import { commandFields, statuses } from '../dimse/command.ts';
import { getStudy, receiving, receivingContexts } from '../dimse/get-scu.ts';
import { whole, type AcceptedContext } from '../dimse/operation.ts';
import {
  requestAssociation,
  type Caller,
  type Proposal,
  type RequestedAssociation,
} from '../dimse/requestor.ts';
import { identifierSyntaxes, studyRootFind, studyRootGet, studyRootMove } from '../dimse/services.ts';
import type { PeerBook } from '../entities/peer-book.ts';
import type { EntityRegistry, PriorsRule } from '../entities/registry.ts';
import type { Ingest } from '../ingest/ingest.ts';
import type { IndexDatabase } from '../index/index-database.ts';
import type { Target, Worker } from './routing.ts';

export type PriorsDeps = {
  readonly index: IndexDatabase;
  readonly headers: WorkerPool;
  readonly registry: EntityRegistry;
  readonly caller: Caller;
  readonly ingest: Ingest;
  readonly book: Pick<PeerBook, 'priorFetched'>;
  readonly access: Pick<AccessLog, 'begin'>;
  readonly log: Logger;
};

/** Answers of one patient that are looked at; who has more has a patient ID that is none. */
const mostAnswers = 500;

/**
 * C-FIND of earlier studies of a patient when one has arrived, and C-MOVE of them to ourselves; or C-GET, over the association that we
 * asked for, where the archive may not call us.
 */
export function priorsWorker(deps: PriorsDeps): Worker {
  return async (jobs, target, settle) => {
    const { priors } = await deps.registry.current();
    const isGot = jobs.some(({ detail }) => priors[detail]?.by === 'get');
    await using association = await requestAssociation(deps.caller, {
      ...target,
      ...proposed(isGot),
      ...(isGot && { receive: receiving(target.title, deps) }),
    });
    for (const job of jobs) {
      const rule = priors[job.detail];
      const patientID = patientOf(deps.index, job.subject);
      if (rule && patientID !== '') {
        const found = await audited(deps, { target, service: 'C-FIND', patientID }, async () =>
          findStudies(association, patientID, deps),
        );
        for (const study of chosen(deps.index, found, { rule, arrived: job.subject }))
          await fetchStudy(association, { study, patientID, rule, target }, deps);
      }
      settle(job, { kind: 'done' });
    }
  };
}

function proposed(isGot: boolean): Pick<Proposal, 'contexts' | 'roles'> {
  const services = [studyRootFind, isGot ? studyRootGet : studyRootMove];
  const asking = services.map((abstractSyntax, index) => ({
    id: index * 2 + 1,
    abstractSyntax,
    transferSyntaxes: identifierSyntaxes,
  }));
  if (!isGot) return { contexts: asking };
  const { contexts, roles } = receivingContexts(services.length * 2 + 1);
  return { contexts: [...asking, ...contexts], roles };
}

type Wanted = {
  readonly study: string;
  readonly patientID: string;
  readonly rule: PriorsRule;
  readonly target: Target;
};

async function fetchStudy(
  association: RequestedAssociation,
  { study, patientID, rule, target }: Wanted,
  deps: PriorsDeps,
): Promise<void> {
  // Before anything of it can come: it must not ask for priors of its own.
  deps.index.run("INSERT OR IGNORE INTO prior VALUES (?, 'asked')", study);
  const service = rule.by === 'get' ? 'C-GET' : 'C-MOVE';
  await audited(deps, { target, service, patientID, study }, async () => {
    if (rule.by === 'get') await getStudy(association, study);
    else await moveStudy(association, study, deps);
  });
  deps.index.run("UPDATE prior SET state = 'done' WHERE study_instance_uid = ?", study);
  deps.book.priorFetched(target.title);
}

type Asked = {
  readonly target: Target;
  readonly service: 'C-FIND' | 'C-MOVE' | 'C-GET';
  readonly patientID: string;
  readonly study?: string;
};

/** That we ask others is written down as if they asked us: it is about a patient. */
async function audited<Value>(
  { access, caller }: PriorsDeps,
  { target: { title, entity }, service, patientID, study }: Asked,
  act: () => Promise<Value>,
): Promise<Value> {
  const end = access.begin({
    ...{ kind: service === 'C-FIND' ? 'query' : 'retrieve', service, level: 'STUDY' },
    requestor: { id: caller.callingTitle, address: '' },
    destination: { id: title, address: entity.host ?? '' },
    ...{ patientIDs: [patientID], studies: study === undefined ? [] : [study] },
  });
  try {
    const value = await act();
    end({ outcome: 'success', objects: Array.isArray(value) ? value.length : 0, status: '0000' });
    return value;
  } catch (error) {
    end({ outcome: 'failure', objects: 0, status: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

function patientOf(index: IndexDatabase, study: string): string {
  return (
    index.get<{ patientID: string }>(
      'SELECT patient_id AS patientID FROM study WHERE study_instance_uid = ?',
      study,
    )?.patientID ?? ''
  );
}

type Found = { readonly study: string; readonly date: string; readonly modalities: readonly string[] };

async function findStudies(
  { exchange, contexts }: RequestedAssociation,
  patientID: string,
  { headers }: PriorsDeps,
): Promise<Found[]> {
  const context = contextOf(contexts, studyRootFind);
  const isExplicit = context.transferSyntax === explicitLittleEndian;
  // A wildcard in an ID would be the priors of others.
  if (/[*?\\]/.test(patientID)) return [];
  const identifier = {
    '00080020': { vr: 'DA' },
    '00080030': { vr: 'TM' },
    '00080052': { vr: 'CS', Value: ['STUDY'] },
    '00080061': { vr: 'CS' },
    '00100020': { vr: 'LO', Value: [patientID] },
    '0020000D': { vr: 'UI' },
  };
  const request = { affectedSopClassUID: studyRootFind, field: commandFields.findRequest, priority: 0 };
  const found: Found[] = [];
  const question = whole(writeDataSet(identifier, { isExplicit, characterSet: 'ISO_IR 192' }));
  for await (const { command, dataSet } of exchange.invoke(context.id, request, question)) {
    if (command.hasDataSet && found.length < mostAnswers) {
      const { attributes } = await headers.run({ kind: 'identifier', bytes: dataSet, isExplicit });
      if (isOf(attributes, patientID)) found.push(foundOf(attributes));
    }
    const isPending = command.status === statuses.pending || command.status === statuses.pendingWithWarning;
    if (!isPending && command.status !== statuses.success) throw failure('C-FIND', command.status);
  }
  return found;
}

/** Some archives answer more than they were asked for. */
function isOf(attributes: DicomJson, patientID: string): boolean {
  return keyText(attributes['00100020']).trim() === patientID && keyText(attributes['0020000D']) !== '';
}

function foundOf(attributes: DicomJson): Found {
  return {
    study: keyText(attributes['0020000D']),
    date: `${keyText(attributes['00080020'])} ${keyText(attributes['00080030'])}`,
    modalities: keyText(attributes['00080061']).split('\\'),
  };
}

function chosen(
  index: IndexDatabase,
  found: readonly Found[],
  { rule, arrived }: { rule: PriorsRule; arrived: string },
): string[] {
  const isMissing = (study: string): boolean => {
    const state = index.get<{ state: string }>('SELECT state FROM prior WHERE study_instance_uid = ?', study);
    // Asked for before, but the answer was never whole.
    if (state) return state.state === 'asked';
    return index.get('SELECT 1 FROM study WHERE study_instance_uid = ?', study) === undefined;
  };
  const isWanted = ({ modalities }: Found): boolean =>
    rule.modalities.length === 0 || modalities.some((modality) => rule.modalities.includes(modality));
  return found
    .filter((one) => one.study !== arrived && isWanted(one))
    .sort((one, other) => other.date.localeCompare(one.date))
    .slice(0, rule.most)
    .map(({ study }) => study)
    .filter(isMissing);
}

async function moveStudy(
  { exchange, contexts }: RequestedAssociation,
  study: string,
  { caller }: PriorsDeps,
): Promise<void> {
  const context = contextOf(contexts, studyRootMove);
  const identifier = {
    '00080052': { vr: 'CS', Value: ['STUDY'] },
    '0020000D': { vr: 'UI', Value: [study] },
  };
  const isExplicit = context.transferSyntax === explicitLittleEndian;
  const request = {
    affectedSopClassUID: studyRootMove,
    field: commandFields.moveRequest,
    priority: 0,
    moveDestination: caller.callingTitle,
  };
  const question = whole(writeDataSet(identifier, { isExplicit, characterSet: '' }));
  for await (const { command } of exchange.invoke(context.id, request, question)) {
    const isPending = command.status === statuses.pending || command.status === statuses.pendingWithWarning;
    if (isPending) continue;
    // Some of it could not be sent: what did come is better than to ask for ever.
    const isOver = command.status === statuses.success || command.status === statuses.storedWithWarning;
    if (!isOver) throw failure('C-MOVE', command.status);
  }
}

function contextOf(contexts: readonly AcceptedContext[], abstractSyntax: string): AcceptedContext {
  const context = contexts.find((one) => one.abstractSyntax === abstractSyntax);
  if (!context) throw new Error('queries or retrievals are not taken there');
  return context;
}

function failure(operation: string, status: number): Error {
  return new Error(`${operation} status ${status.toString(16).padStart(4, '0')}`);
}
