import { join } from 'node:path';
import type { Logger } from 'pino';
import { openCertificateStore, type CertificateStore } from './certificate-store.ts';
import { TrustFolder } from './trust.ts';

type Own = {
  readonly directory: string;
  readonly dicomPki?: string | undefined;
  readonly aeTitle: string;
  readonly bind: string;
  readonly address?: string | undefined;
};

const renewalMs = 60_000;
const warnDays = 14;

/** Keeps the node's own certificate for DICOM fresh as long as it is not disposed. */
export interface KeptCertificates extends Disposable {
  readonly trust: TrustFolder;
  readonly store: CertificateStore;
}

export async function keepCertificates(own: Own, log: Logger): Promise<KeptCertificates> {
  const directory = own.dicomPki ?? join(own.directory, 'dicom-pki');
  const store = await openCertificateStore(directory);
  const hosts = [...new Set(['localhost', '127.0.0.1', own.address ?? own.bind])].filter(
    (host) => host !== '0.0.0.0' && host !== '::',
  );
  const trust = new TrustFolder(directory);
  const renew = async (): Promise<void> => {
    await store.ensureOwn(own.aeTitle, hosts);
    const { authorities } = await trust.current();
    for (const { subject, validTo, validToDate } of authorities)
      if (validToDate.getTime() - Date.now() < warnDays * 86_400_000)
        log.warn({ subject, validTo }, 'an authority for DICOM over TLS ends soon');
  };
  await renew();
  const renewing = setInterval(() => {
    renew().catch((error: unknown) => log.error({ err: error }, 'the certificate could not be renewed'));
  }, renewalMs);
  return { trust, store, [Symbol.dispose]: () => clearInterval(renewing) };
}
