import { readFile } from 'node:fs/promises';
import { setDefaultCACertificates } from 'node:tls';

/**
 * From here on this process trusts the given authority and no other: a machine in somebody's data centre should not
 * take the word of every authority in the world for who its broker is. `ca` is PEM text, or the name of a file of it.
 */
export async function trustOnly(ca: string): Promise<void> {
  const pem = ca.includes('-----BEGIN ') ? ca : await readFile(ca, 'utf8');
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  if (!certificates) throw new Error('MEDUSA_CA holds no certificate');
  setDefaultCACertificates(certificates);
}
