import { readFile } from 'node:fs/promises';
import { setDefaultCACertificates } from 'node:tls';

/**
 * From here on this process trusts the given authority and no other: a machine in somebody's data centre should not
 * take the word of every authority in the world for who its broker is.
 * @param ca the name of a file of PEM text, the text itself, or its base64 where a value must be one line
 */
export async function trustOnly(ca: string): Promise<void> {
  const certificates = (await readPem(ca)).match(
    /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g,
  );
  if (!certificates) throw new Error('MEDUSA_CA holds no certificate');
  setDefaultCACertificates(certificates);
}

async function readPem(ca: string): Promise<string> {
  if (ca.startsWith('/')) return readFile(ca, 'utf8');
  return ca.includes('-----BEGIN ') ? ca : Buffer.from(ca, 'base64').toString();
}
