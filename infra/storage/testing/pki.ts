import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertificateStore } from '../tls/certificate-store.ts';

/** A peer’s certificate in files, as DCMTK wants them. */
export type PeerFiles = {
  readonly fingerprint256: string;
  readonly certificate: string;
  readonly key: string;
  readonly authorities: string;
  /** DCMTK’s options for a TLS client or server with them. */
  readonly options: readonly string[];
};

export async function peerFiles(
  store: CertificateStore,
  directory: string,
  { title, days, trusting = store }: { title: string; days?: number; trusting?: CertificateStore },
): Promise<PeerFiles> {
  const issued = await store.issue(title, { hosts: ['127.0.0.1'], ...(days !== undefined && { days }) });
  const { authorities } = await trusting.issue(title, { hosts: [] });
  const folder = join(directory, issued.fingerprint256.replaceAll(':', ''));
  await mkdir(folder, { recursive: true });
  const files = {
    key: join(folder, 'key.pem'),
    certificate: join(folder, 'certificate.pem'),
    authorities: join(folder, 'authorities.pem'),
  };
  await writeFile(files.key, issued.key ?? '');
  await writeFile(files.certificate, issued.certificate);
  await writeFile(files.authorities, authorities);
  return {
    fingerprint256: issued.fingerprint256,
    ...files,
    options: ['+tls', files.key, files.certificate, '+cf', files.authorities],
  };
}

export async function revoke(store: CertificateStore, { certificate }: PeerFiles): Promise<void> {
  await store.revoke(await readFile(certificate, 'utf8'));
}
