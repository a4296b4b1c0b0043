import { X509Certificate } from 'node:crypto';
import {
  AppError,
  parseInput,
  revokeCommandSchema,
  signCommandSchema,
  type SignedCertificate,
} from '@medusa/protocol';
import type { Logger } from 'pino';
import type { Socket } from 'socket.io-client';
import type { CertificateStore } from '../tls/certificate-store.ts';
import { answeringWith } from './answering.ts';

export type CertificateCommandDeps = {
  /** Undefined where DICOM over TLS is off. */
  readonly store: Pick<CertificateStore, 'issue' | 'revoke'> | undefined;
};

/** Certificates of application entities, for administrators that are not on this machine. Keys are never asked for, nor told. */
export function serveCertificateCommands(
  socket: Socket,
  { store, log }: CertificateCommandDeps & { readonly log: Logger },
): void {
  const answering = answeringWith(log);
  const own = (): NonNullable<CertificateCommandDeps['store']> => {
    if (!store) throw new AppError('certificate.refused', 'DICOM over TLS is off at this storage node');
    return store;
  };
  socket.on(
    'certificate.sign',
    answering(async (payload): Promise<SignedCertificate> => {
      const { title, request, hosts } = parseInput(signCommandSchema, payload);
      const { certificate, authorities, fingerprint256 } = await own().issue(title, { request, hosts });
      const endsAt = new X509Certificate(certificate).validToDate.toISOString();
      log.warn({ title, fingerprint256 }, 'a certificate was signed');
      return { certificate, authorities, fingerprint256, endsAt };
    }),
  );
  socket.on(
    'certificate.revoke',
    answering(async (payload): Promise<null> => {
      const { title, certificate } = parseInput(revokeCommandSchema, payload);
      await own().revoke(certificate, title);
      log.warn({ title }, 'a certificate was revoked');
      return null;
    }),
  );
}
