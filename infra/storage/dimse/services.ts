import { own } from '../dicom/own.ts';
import { explicitLittleEndian, implicitLittleEndian, transferSyntaxOf } from '../dicom/transfer-syntax.ts';
import type { Permission } from '../entities/registry.ts';
import type { ContextResult, ProposedContext } from './associate.ts';

export type InformationModel = 'patient' | 'study';
export type ServiceKind = 'verification' | 'storage' | 'find' | 'move' | 'get' | 'commitment';
export type ServiceClass = {
  readonly name: string;
  readonly kind: ServiceKind;
  /** Of query and retrieve. */
  readonly root?: InformationModel;
  readonly permission?: Permission;
};

export const verification = '1.2.840.10008.1.1';
export const studyRootFind = '1.2.840.10008.5.1.4.1.2.2.1';
export const studyRootMove = '1.2.840.10008.5.1.4.1.2.2.2';
export const studyRootGet = '1.2.840.10008.5.1.4.1.2.2.3';
export const storageCommitment = '1.2.840.10008.1.20.1';
const query = { permission: 'query' } as const;
const retrieve = { permission: 'retrieve' } as const;

/** The SOP classes that this node serves, storage apart (PS3.4 annexes A, C, J). */
export const serviceClasses: Readonly<Record<string, ServiceClass | undefined>> = {
  [verification]: { name: 'Verification', kind: 'verification' },
  '1.2.840.10008.5.1.4.1.2.1.1': {
    name: 'Patient Root Query/Retrieve – FIND',
    kind: 'find',
    root: 'patient',
    ...query,
  },
  '1.2.840.10008.5.1.4.1.2.1.2': {
    name: 'Patient Root Query/Retrieve – MOVE',
    kind: 'move',
    root: 'patient',
    ...retrieve,
  },
  '1.2.840.10008.5.1.4.1.2.1.3': {
    name: 'Patient Root Query/Retrieve – GET',
    kind: 'get',
    root: 'patient',
    ...retrieve,
  },
  [studyRootFind]: { name: 'Study Root Query/Retrieve – FIND', kind: 'find', root: 'study', ...query },
  [studyRootMove]: { name: 'Study Root Query/Retrieve – MOVE', kind: 'move', root: 'study', ...retrieve },
  [studyRootGet]: { name: 'Study Root Query/Retrieve – GET', kind: 'get', root: 'study', ...retrieve },
  [storageCommitment]: { name: 'Storage Commitment Push Model', kind: 'commitment', permission: 'commit' },
};

const dicomRoot = '1.2.840.10008.';
/** PS3.4 §B.5: the standard storage SOP classes lie under this root; the query and retrieve ones, for one, do not. */
export const storageRoot = '1.2.840.10008.5.1.4.1.1.';
export const storageElsewhere: ReadonlySet<string> = new Set([
  '1.2.840.10008.5.1.4.34.7',
  '1.2.840.10008.5.1.4.34.10',
]);

/** Outside of DICOM's own root a SOP class is a vendor's, and what a vendor sends us it wants stored. */
function isStorage(abstractSyntax: string): boolean {
  if (!/^[0-9]+(\.[0-9]+)+$/.test(abstractSyntax) || abstractSyntax.length > 64) return false;
  if (!abstractSyntax.startsWith(dicomRoot)) return true;
  return abstractSyntax.startsWith(storageRoot) || storageElsewhere.has(abstractSyntax);
}

export function serviceOf(abstractSyntax: string): ServiceClass | undefined {
  if (isStorage(abstractSyntax)) return { name: 'Storage', kind: 'storage', permission: 'store' };
  return own(serviceClasses, abstractSyntax);
}

/** Identifiers, other than objects, are not kept: the two that everybody knows are enough. */
export const identifierSyntaxes: readonly string[] = [explicitLittleEndian, implicitLittleEndian];

type Acceptance = {
  readonly may: ReadonlySet<Permission>;
  /** Whether the peer wants to be sent objects of this SOP class over this association. */
  isReceiver(abstractSyntax: string): boolean;
  /** Whether it may store objects of this SOP class. */
  readonly takes: (abstractSyntax: string) => boolean;
  /** Whether objects lie here so. */
  holds(abstractSyntax: string, transferSyntax: string): boolean;
};

/**
 * Of the proposed transfer syntaxes the first that we know: bytes are kept as they come. A peer that wants to receive gets the
 * first in which there is something for it, as nothing is transcoded.
 */
export function acceptContext(proposed: ProposedContext, acceptance: Acceptance): ContextResult {
  const { id, abstractSyntax, transferSyntaxes } = proposed;
  const service = serviceOf(abstractSyntax);
  if (!service) return { id, result: 'abstract-syntax-not-supported' };
  const isReceiver = service.kind === 'storage' && acceptance.isReceiver(abstractSyntax);
  const permission = isReceiver ? 'retrieve' : service.permission;
  if (permission && !isAllowed(permission, abstractSyntax, acceptance))
    return { id, result: 'user-rejection' };
  const known = transferSyntaxes.filter((uid) =>
    service.kind === 'storage' || service.kind === 'verification'
      ? transferSyntaxOf(uid) !== undefined
      : identifierSyntaxes.includes(uid),
  );
  const held = isReceiver ? known.find((uid) => acceptance.holds(abstractSyntax, uid)) : undefined;
  const transferSyntax = held ?? known[0];
  return transferSyntax === undefined
    ? { id, result: 'transfer-syntaxes-not-supported' }
    : { id, result: 'accepted', transferSyntax };
}

function isAllowed(permission: Permission, abstractSyntax: string, { may, takes }: Acceptance): boolean {
  return may.has(permission) && (permission !== 'store' || takes(abstractSyntax));
}
