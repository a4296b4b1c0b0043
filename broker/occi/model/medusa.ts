import { agreementStateSchema } from '@medusa/protocol';
import {
  actionOf,
  identifierOf,
  immutable,
  mutable,
  required,
  type AttributeDefinition,
} from './category.ts';
import { resourceKindOf } from './core.ts';
import { computeKind, mixinOf, networkKind, storageKind } from './infrastructure.ts';
import { applicationKind } from './platform.ts';
import { agreementKind } from './sla.ts';

/** What no standard names: nodes, imaging archives, sessions, rooms. */
const root = 'http://medusa.example/occi/broker';
const scheme = `${root}#`;

const nodeState: Record<string, AttributeDefinition> = {
  'medusa.node.state': immutable('string', {
    values: ['provisioning', 'joining', 'ready', 'draining', 'leaving', 'absent', 'lost'],
  }),
  'medusa.node.state.message': immutable('string'),
  'medusa.node.provider': immutable('string'),
  'medusa.node.version': immutable('string'),
};
const nodeActions = ['drain', 'undrain'].map((term) => actionOf(`${root}/node/action#`, term));

export const renderNodeKind = resourceKindOf({
  ...{ scheme, term: 'rendernode', title: 'Render node', actions: nodeActions },
  attributes: {
    ...nodeState,
    'medusa.rendernode.slots': immutable('number', { isInteger: true }),
    'medusa.rendernode.sessions': immutable('number', { isInteger: true }),
    'medusa.rendernode.cores': immutable('number', { isInteger: true }),
    'medusa.rendernode.memory': immutable('number', { description: 'GiB' }),
    'medusa.rendernode.architecture': immutable('string'),
    'medusa.rendernode.encoders': immutable('string', { description: 'Best first, with spaces between' }),
    'medusa.rendernode.load': immutable('number', { description: 'Of the last minute' }),
  },
});

export const storageNodeKind = resourceKindOf({
  ...{ scheme, term: 'storagenode', title: 'Storage node', actions: nodeActions },
  attributes: {
    ...nodeState,
    'medusa.storagenode.aetitle': immutable('string', { description: 'DICOM application entity title' }),
    'medusa.storagenode.port': immutable('number', { isInteger: true }),
    'medusa.storagenode.studies': immutable('number', { isInteger: true }),
    'medusa.storagenode.instances': immutable('number', { isInteger: true }),
    'medusa.storagenode.free': immutable('number', { description: 'Bytes' }),
  },
});

/** Of the hospital, not of ours: it can be named and linked to, and nothing starts or stops it. */
export const pacsKind = resourceKindOf({
  ...{ scheme, term: 'pacs', title: 'Picture archiving and communication system' },
  attributes: {
    'medusa.pacs.aetitle': immutable('string'),
    'medusa.pacs.host': immutable('string'),
    'medusa.pacs.port': immutable('number', { isInteger: true }),
  },
});

/** What a storage was at one time; made by its action of that name. */
export const snapshotKind = resourceKindOf({
  ...{ scheme, term: 'snapshot', title: 'Snapshot of a storage' },
  attributes: {
    'medusa.snapshot.storage': immutable('string', { description: 'Id of the storage' }),
    'medusa.snapshot.state': immutable('string', { values: ['online', 'offline', 'error'] }),
    'medusa.snapshot.state.message': immutable('string'),
  },
});

export const sessionKind = resourceKindOf({
  ...{ scheme, term: 'session', title: 'Session' },
  attributes: {
    'medusa.session.study': required('string', { description: 'Study Instance UID' }),
    'medusa.session.application': mutable('string', { default: 'workstation' }),
    'medusa.session.width': mutable('number', {
      isInteger: true,
      minimum: 640,
      maximum: 3_840,
      default: 1_280,
    }),
    'medusa.session.height': mutable('number', {
      isInteger: true,
      minimum: 480,
      maximum: 2_160,
      default: 720,
    }),
    'medusa.session.state': immutable('string'),
    'medusa.session.state.message': immutable('string'),
    'medusa.session.owner': immutable('string'),
    'medusa.session.node': immutable('string'),
    'medusa.session.participants': immutable('number', { isInteger: true }),
  },
  actions: [actionOf(`${root}/session/action#`, 'stop')],
});

export const roomKind = resourceKindOf({
  ...{ scheme, term: 'room', title: 'Room' },
  attributes: {
    'medusa.room.session': immutable('string', { description: 'Id of the session it is around' }),
    'medusa.room.participants': immutable('number', { isInteger: true }),
  },
});

/** Asked for on a compute, told of a compute or a render node. */
export const gpuMixin = mixinOf({
  ...{ scheme, term: 'gpu', title: 'Graphics processor' },
  applies: [identifierOf(computeKind), identifierOf(renderNodeKind)],
  attributes: {
    'medusa.gpu.vendor': mutable('string'),
    'medusa.gpu.model': mutable('string'),
    'medusa.gpu.count': mutable('number', { isInteger: true, minimum: 1 }),
    'medusa.gpu.memory': mutable('number', { minimum: 0, description: 'GiB' }),
    'medusa.gpu.share': mutable('number', { minimum: 0, maximum: 1 }),
    'medusa.gpu.mig_profile': mutable('string'),
  },
});

/** Where it is to be made. Without it the first provider that can is asked. */
export const providerMixin = mixinOf({
  ...{ scheme, term: 'provider', title: 'Infrastructure provider' },
  applies: [computeKind, networkKind, storageKind, applicationKind].map(identifierOf),
  attributes: { 'medusa.provider.id': mutable('string') },
});

/** What GFD.227 has no word for. */
export const serviceMixin = mixinOf({
  ...{ scheme, term: 'service', title: 'Service of a manifest' },
  applies: [identifierOf(applicationKind)],
  attributes: {
    'medusa.service.agreement': mutable('string', { description: 'Id of the agreement it is run under' }),
    'medusa.service.manifest': immutable('string'),
    'medusa.service.state': immutable('string', {
      values: ['idle', 'working', 'running', 'degraded', 'suspended', 'releasing', 'error'],
    }),
  },
});

/** What WS-Agreement (GFD.192) knows of an agreement and GFD.228 does not. */
export const wsAgreementMixin = mixinOf({
  ...{ scheme, term: 'wsagreement', title: 'WS-Agreement' },
  applies: [identifierOf(agreementKind)],
  attributes: {
    'medusa.agreement.initiator': mutable('string', { description: "Left out: the template's" }),
    'medusa.agreement.responder': immutable('string'),
    'medusa.agreement.template': immutable('string'),
    'medusa.agreement.state': immutable('string', { values: agreementStateSchema.options }),
  },
});
