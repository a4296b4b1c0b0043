// @peculiar/x509 resolves its parts through decorators and wants this first.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { AppError } from '@medusa/protocol';

/** RSA, as old modalities know nothing else; RFC 9325 §4.2 asks for 2048 bits at least. */
const algorithm = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: Uint8Array.of(1, 0, 1),
} as const;
const authorityBits = 3072;
const leafBits = 2048;
const dayMs = 86_400_000;
/** Clocks of modalities are seldom right. */
const clockSkewMs = dayMs;

export type KeyPair = { readonly certificate: string; readonly key: string };
type Subject = { readonly commonName: string; readonly hosts: readonly string[]; readonly days: number };

/** A new certificate authority, in PEM. Its name is its own, so that two of them can be told apart. */
export async function makeAuthority(name: string, days: number): Promise<KeyPair> {
  const keys = await newKeys(authorityBits);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: [{ CN: [name] }, { O: ['Medusa'] }],
      ...validity(days),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: certificate.toString('pem'), key: await privateKeyPem(keys.privateKey) };
}

/** A key and a certificate for an application entity: its title is the common name. */
export async function issue(authority: KeyPair, subject: Subject): Promise<KeyPair> {
  const keys = await newKeys(leafBits);
  const certificate = await certify(authority, { ...subject, publicKey: keys.publicKey });
  return { certificate, key: await privateKeyPem(keys.privateKey) };
}

/**
 * A certificate for a key that never leaves its owner (PKCS #10). The name is the one given here, not the one asked for.
 * @throws AppError `certificate.refused`
 */
export async function sign(authority: KeyPair, subject: Subject, request: string): Promise<string> {
  const asked = parsedRequest(request);
  // A key that nothing here can use fails like a wrong signature.
  if (!(await asked.verify(webcrypto).catch(() => false)))
    throw new AppError('certificate.refused', 'The request is not signed by the key that it is for');
  const { name, modulusLength } = asked.publicKey.algorithm as { name: string; modulusLength?: number };
  if (modulusLength !== undefined && modulusLength < leafBits)
    throw new AppError(
      'certificate.refused',
      `A key of ${modulusLength} bits is too short (${name}): ${leafBits} at least`,
    );
  return certify(authority, { ...subject, publicKey: asked.publicKey });
}

function parsedRequest(request: string): x509.Pkcs10CertificateRequest {
  try {
    return new x509.Pkcs10CertificateRequest(request);
  } catch (error) {
    throw new AppError('certificate.refused', 'The certificate request cannot be read', { cause: error });
  }
}

async function certify(
  authority: KeyPair,
  { commonName, hosts, days, publicKey }: Subject & { publicKey: webcrypto.CryptoKey | x509.PublicKey },
): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const names = hosts.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }));
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: [{ CN: [commonName] }],
      issuer: issuer.subject,
      ...validity(days),
      signingAlgorithm: algorithm,
      publicKey,
      signingKey: await importPrivateKey(authority.key),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment,
          true,
        ),
        // Who sends now is asked for priors later: every application entity is both.
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.serverAuth,
          x509.ExtendedKeyUsage.clientAuth,
        ]),
        ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
        await x509.AuthorityKeyIdentifierExtension.create(issuer, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return certificate.toString('pem');
}

/** The authority's list of what it takes back (RFC 5280 §5). */
export async function makeRevocationList(
  authority: KeyPair,
  revoked: readonly { readonly serialNumber: string; readonly at: string }[],
): Promise<string> {
  const list = await x509.X509CrlGenerator.create(
    {
      issuer: new x509.X509Certificate(authority.certificate).subject,
      thisUpdate: new Date(Date.now() - clockSkewMs),
      nextUpdate: new Date(Date.now() + 365 * dayMs),
      entries: revoked.map(({ serialNumber: number, at }) => ({
        serialNumber: number,
        revocationDate: new Date(at),
      })),
      signingAlgorithm: algorithm,
      signingKey: await importPrivateKey(authority.key),
    },
    webcrypto,
  );
  // The library’s own label is none that others read (RFC 7468 §6).
  return x509.PemConverter.encode(list.rawData, 'X509 CRL');
}

function validity(days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - clockSkewMs), notAfter: new Date(Date.now() + days * dayMs) };
}

async function newKeys(modulusLength: number): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey({ ...algorithm, modulusLength }, true, ['sign', 'verify']);
}

function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  // RFC 5280 §4.1.2.2: positive, and DER drops leading zeros, so there are none.
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

async function importPrivateKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [pkcs8] = x509.PemConverter.decode(pem);
  if (!pkcs8) throw new Error('The authority’s key file holds no key');
  return webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
}
