import { keyText } from '../dicom/identifier.ts';
import { own } from '../dicom/own.ts';
import type { DicomJson } from '../dicom/dicom-json.ts';
import type { Refusal, Service } from '../dimse/association.ts';
import { statuses } from '../dimse/command.ts';
import type { Operation } from '../dimse/operation.ts';
import type { EntityRegistry } from '../entities/registry.ts';
import type { FindLevel } from '../index/find.ts';
import { selectionOf } from '../index/retrieval.ts';
import type { IndexDatabase } from '../index/index-database.ts';
import type { Access, AccessEnd, AccessLog } from './access-log.ts';

type AuditDeps = {
  readonly access: Pick<AccessLog, 'begin'>;
  readonly index: IndexDatabase;
  readonly registry: EntityRegistry;
};
type Audited = 'C-FIND' | 'C-MOVE' | 'C-GET';

const mostStudies = 100;

/** Writes down who asks before anything is answered, and how it ended. */
export function auditedService(service: Audited, perform: Service, deps: AuditDeps): Service {
  return async (operation, identifier) => {
    const { entities } = await deps.registry.current();
    const described: Access = {
      kind: service === 'C-FIND' ? 'query' : 'retrieve',
      service,
      requestor: requestorOf(operation),
      sopClassUID: operation.context.abstractSyntax,
      ...(service === 'C-MOVE' && {
        destination: {
          id: operation.command.moveDestination,
          address: own(entities, operation.command.moveDestination)?.host ?? '',
        },
      }),
    };
    let end: ((end: AccessEnd) => void) | undefined;
    let answer: AccessEnd = { outcome: 'failure', objects: 0, status: 'the association ended' };
    let matches = 0;
    const audited: Operation = {
      ...operation,
      asked(level, attributes) {
        end = deps.access.begin({ ...described, ...askedFor(deps.index, { service, level, attributes }) });
      },
      async respond(elements, dataSet) {
        const { status = 0, completed = 0, warning = 0 } = elements;
        if (status === statuses.pending || status === statuses.pendingWithWarning) matches += 1;
        else {
          // What could not be understood was asked for too.
          end ??= deps.access.begin(described);
          const objects = service === 'C-FIND' ? matches : completed + warning;
          answer = { outcome: outcomeOf(status), objects, status: hex(status) };
        }
        await operation.respond(elements, dataSet);
      },
    };
    try {
      await perform(audited, identifier);
    } finally {
      end?.(answer);
    }
  };
}

function requestorOf({ callingTitle, peer }: Operation): Access['requestor'] {
  const { address, certificate } = peer;
  return { id: callingTitle, address, ...(certificate !== undefined && { certificate }) };
}

function askedFor(
  index: IndexDatabase,
  { service, level, attributes }: { service: Audited; level: FindLevel; attributes: DicomJson },
): Partial<Access> {
  const keys = Object.entries(attributes).flatMap(([tag, attribute]) => {
    const value = keyText(attribute);
    return value === '' ? [] : [[tag, value]];
  });
  const asked = { level: level.toUpperCase(), query: JSON.stringify(Object.fromEntries(keys)) };
  const selection = service === 'C-FIND' ? undefined : selectionOf(level, attributes);
  if (!selection) return asked;
  const found = index.all<{ study: string; patient: string }>(
    `SELECT DISTINCT i.study_instance_uid AS study, s.patient_id AS patient
     FROM instance i JOIN study s USING (study_instance_uid) WHERE ${selection.sql} LIMIT ${mostStudies}`,
    ...selection.values,
  );
  return {
    ...asked,
    studies: found.map(({ study }) => study),
    patientIDs: [...new Set(found.map(({ patient }) => patient).filter((id) => id !== ''))],
  };
}

/** PS3.4 tables C.4-1 to C.4-3: warnings and what was cancelled went out, as far as they went. */
function outcomeOf(status: number): AccessEnd['outcome'] {
  if (status === statuses.success || status === statuses.cancelled || (status & 0xf000) === 0xb000)
    return 'success';
  return status === statuses.unknownMoveDestination ? 'refused' : 'failure';
}

function hex(status: number): string {
  return status.toString(16).padStart(4, '0').toUpperCase();
}

/** Somebody who knocks again and again is one record. */
export function noteRefusal(access: Pick<AccessLog, 'count'>, { title, address, reason }: Refusal): void {
  const requestor = { id: title === '' ? 'unknown' : title, address };
  const described: Access = { kind: 'refusal', service: 'association', requestor };
  access.count(`${title}|${address}`, () => described, { outcome: 'refused', status: reason });
}
