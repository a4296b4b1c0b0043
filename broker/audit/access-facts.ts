import type { AccessRecord, AuditAction } from '@medusa/protocol';
import type { AuditFact } from './audit-trail.ts';

type Event = { readonly action: AuditAction; readonly id: string; readonly code: 'E' | 'R' | 'C' };

/** EventID and EventActionCode of PS3.15 tables A.5.3. */
const events: Readonly<Record<AccessRecord['kind'], Event>> = {
  query: { action: 'dicom.queried', id: '110112 DCM Query', code: 'E' },
  retrieve: { action: 'dicom.retrieved', id: '110104 DCM DICOM Instances Transferred', code: 'R' },
  store: { action: 'dicom.stored', id: '110104 DCM DICOM Instances Transferred', code: 'C' },
  refusal: { action: 'dicom.refused', id: '110113 DCM Security Alert', code: 'E' },
};
/** EventOutcomeIndicator. */
const indicators = { success: 0, refused: 8, failure: 4 } as const;

/** Lines of the audit trail for what a storage node tells: one for each study, so that who saw a study is found by it. */
export function accessFacts(nodeId: string, record: AccessRecord): AuditFact[] {
  const { kind, requestor, outcome, studies } = record;
  const { action } = events[kind];
  const fact = {
    action,
    outcome,
    actor: { id: requestor.id, name: requestor.id, address: requestor.address },
    detail: JSON.stringify(messageOf(nodeId, record)),
  };
  if (studies.length === 0) return [{ ...fact, objectType: 'node', objectId: nodeId }];
  return studies.map((objectId) => ({ ...fact, objectType: 'study', objectId }));
}

const roles = {
  application: '110150 DCM Application',
  destination: '110152 DCM Destination Role ID',
  source: '110153 DCM Source Role ID',
} as const;

/** Who asks for a C-MOVE is neither end of it. */
function roleOf({ kind, destination }: AccessRecord): string {
  if (kind !== 'retrieve') return roles.source;
  return destination ? roles.application : roles.destination;
}

function messageOf(nodeId: string, record: AccessRecord): Record<string, unknown> {
  const { id, at, kind, service, outcome, requestor, destination, studies } = record;
  const { session, sopClassUID, level, query, patientIDs, objects, times, status } = record;
  return {
    event: {
      id: events[kind].id,
      type: service,
      action: events[kind].code,
      at,
      outcome: indicators[outcome],
    },
    participants: [
      { ...requestor, isRequestor: true, role: roleOf(record) },
      ...(destination ? [{ ...destination, isRequestor: false, role: roles.destination }] : []),
    ],
    source: nodeId,
    object: { studies: studies.length, patientIDs, sopClassUID, level, query, objects },
    ...{ session, requests: times, status, record: id },
  };
}
