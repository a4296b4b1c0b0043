import { accessRecordSchema } from '@medusa/protocol';
import { expect, it } from 'vitest';
import { accessFacts } from './access-facts.ts';

const move = accessRecordSchema.parse({
  id: 'r-1',
  at: '2026-01-02T10:00:00.000Z',
  kind: 'retrieve',
  service: 'C-MOVE',
  outcome: 'success',
  requestor: { id: 'WORKSTATION', address: '10.0.0.7', certificate: 'WORKSTATION' },
  destination: { id: 'SINK', address: '10.0.0.8' },
  sopClassUID: '1.2.840.10008.5.1.4.1.2.2.2',
  level: 'STUDY',
  studies: ['1.2.3', '1.2.4'],
  patientIDs: ['P1'],
  objects: 7,
  times: 1,
  status: '0000',
});

it('writes a line for each study, with the members of an audit message of PS3.15 §A.5', () => {
  const facts = accessFacts('storage-1', move);

  expect(facts.map(({ objectType, objectId }) => `${objectType} ${objectId}`)).toEqual([
    'study 1.2.3',
    'study 1.2.4',
  ]);
  expect(facts[0]).toMatchObject({
    action: 'dicom.retrieved',
    outcome: 'success',
    actor: { id: 'WORKSTATION', address: '10.0.0.7' },
  });
  expect(JSON.parse(facts[0]?.detail ?? '')).toEqual({
    event: {
      id: '110104 DCM DICOM Instances Transferred',
      type: 'C-MOVE',
      action: 'R',
      at: '2026-01-02T10:00:00.000Z',
      outcome: 0,
    },
    participants: [
      {
        id: 'WORKSTATION',
        address: '10.0.0.7',
        certificate: 'WORKSTATION',
        isRequestor: true,
        role: '110150 DCM Application',
      },
      { id: 'SINK', address: '10.0.0.8', isRequestor: false, role: '110152 DCM Destination Role ID' },
    ],
    source: 'storage-1',
    object: {
      studies: 2,
      patientIDs: ['P1'],
      sopClassUID: '1.2.840.10008.5.1.4.1.2.2.2',
      level: 'STUDY',
      objects: 7,
    },
    requests: 1,
    status: '0000',
    record: 'r-1',
  });
});

it('names the node where there is no study', () => {
  expect(
    accessFacts('storage-1', { ...move, kind: 'refusal', outcome: 'refused', studies: [] }),
  ).toMatchObject([
    { action: 'dicom.refused', outcome: 'refused', objectType: 'node', objectId: 'storage-1' },
  ]);
});
