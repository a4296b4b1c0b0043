import type { X509Certificate } from 'node:crypto';
import { own } from '../dicom/own.ts';
import type { Entity, Permission, Registry } from './registry.ts';

/** Of a certificate whose chain was found good. */
export type PeerCertificate = {
  readonly fingerprint256: string;
  readonly commonName: string;
  readonly endsAt?: Date;
};

export type Admission =
  | {
      readonly isAdmitted: true;
      readonly may: ReadonlySet<Permission>;
      readonly sopClasses?: readonly string[];
    }
  | { readonly isAdmitted: false; readonly reason: string };

type Caller = {
  readonly title: string;
  /** Undefined over plaintext. */
  readonly certificate: PeerCertificate | undefined;
  /** Titles that may call without being listed; none: any. */
  readonly callingTitles: readonly string[];
};

/** Who calls is told by its title; over TLS the certificate must be the one of that title. */
export function admissionOf(registry: Registry, { title, certificate, callingTitles }: Caller): Admission {
  const entity = own(registry.entities, title);
  if (!entity) {
    if (registry.unlisted === 'refused') return refused('not in the registry');
    if (callingTitles.length > 0 && !callingTitles.includes(title))
      return refused('not on the list of callers');
    if (certificate && certificate.commonName !== title) return refused('certificate of another title');
    return { isAdmitted: true, may: new Set(['store']) };
  }
  const { may, sopClasses } = entity;
  const admitted: Admission = { isAdmitted: true, may: new Set(may), sopClasses };
  if (!certificate) return entity.tls === 'required' ? refused('plaintext') : admitted;
  return isBound(entity, title, certificate) ? admitted : refused('certificate of another title');
}

/** Whether a certificate is that of the title. */
export function isBound({ certificates }: Entity, title: string, shown: PeerCertificate): boolean {
  if (certificates.length === 0) return shown.commonName === title;
  return certificates.some((known) =>
    'commonName' in known
      ? known.commonName === shown.commonName
      : known.fingerprint256 === shown.fingerprint256,
  );
}

export function identityOf(leaf: X509Certificate): PeerCertificate {
  const commonName = /^CN=(.*)$/m.exec(leaf.subject)?.[1] ?? '';
  return {
    fingerprint256: leaf.fingerprint256.replaceAll(':', ''),
    commonName,
    endsAt: leaf.validToDate,
  };
}

function refused(reason: string): Admission {
  return { isAdmitted: false, reason };
}
