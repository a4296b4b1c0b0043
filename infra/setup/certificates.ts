// @peculiar/x509 resolves its parts through decorators and wants this first.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import path from 'node:path';
import * as x509 from '@peculiar/x509';
import { writeSecret } from './write-secret.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;
const caDays = 3_650;
/** Browsers refuse server certificates that live longer than 398 days; own CAs are spared, but why tempt them. */
const serverDays = 390;
const renewDays = 30;

type Files = { readonly caFile: string; readonly certificateFile: string; readonly keyFile: string };

/**
 * The installation's own certificate authority and a server certificate for `hostNames`, made when missing, renewed
 * 30 days before they end or when a name is new.
 */
export async function ensureCertificates(directory: string, hostNames: readonly string[]): Promise<Files> {
  x509.cryptoProvider.set(webcrypto);
  const files = {
    caFile: path.join(directory, 'ca.pem'),
    certificateFile: path.join(directory, 'server.pem'),
    keyFile: path.join(directory, 'server.key.pem'),
  };
  const caKeyFile = path.join(directory, 'ca.key.pem');
  if (!existsSync(files.caFile) || !existsSync(caKeyFile)) await makeAuthority(files.caFile, caKeyFile);
  if (!(await isCurrent(files, hostNames))) await issue(files, caKeyFile, hostNames);
  return files;
}

async function makeAuthority(caFile: string, caKeyFile: string): Promise<void> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=Medusa local authority, O=Medusa',
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + caDays * dayMs),
    signingAlgorithm: algorithm,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await writeSecret(caKeyFile, await privateKeyPem(keys.privateKey));
  await writeSecret(caFile, certificate.toString('pem'));
}

async function isCurrent(files: Files, hostNames: readonly string[]): Promise<boolean> {
  if (!existsSync(files.certificateFile) || !existsSync(files.keyFile)) return false;
  const certificate = new x509.X509Certificate(await readFile(files.certificateFile, 'utf8'));
  const authority = new x509.X509Certificate(await readFile(files.caFile, 'utf8'));
  if (certificate.notAfter.getTime() - Date.now() < renewDays * dayMs) return false;
  if (!(await certificate.verify({ publicKey: authority }))) return false;
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  return hostNames.every((hostName) => names.some((name) => name.value === hostName));
}

async function issue(files: Files, caKeyFile: string, hostNames: readonly string[]): Promise<void> {
  const authority = new x509.X509Certificate(await readFile(files.caFile, 'utf8'));
  const authorityKey = await importPrivateKey(await readFile(caKeyFile, 'utf8'));
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${hostNames[0] ?? 'localhost'}, O=Medusa`,
    issuer: authority.subject,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + serverDays * dayMs),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: authorityKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        hostNames.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(authority),
    ],
  });
  await writeSecret(files.keyFile, await privateKeyPem(keys.privateKey));
  await writeSecret(files.certificateFile, certificate.toString('pem'));
}

function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  // RFC 5280 §4.1.2.2: positive, at most 20 octets.
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return Buffer.from(bytes).toString('hex');
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', key);
  return x509.PemConverter.encode(pkcs8, 'PRIVATE KEY');
}

async function importPrivateKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [pkcs8] = x509.PemConverter.decode(pem);
  if (!pkcs8) throw new Error('The authority’s key file holds no key');
  return webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
}
