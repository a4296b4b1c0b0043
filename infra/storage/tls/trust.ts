import 'reflect-metadata';
import { webcrypto, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecureContextOptions } from 'node:tls';
import * as x509 from '@peculiar/x509';
import { z } from 'zod';

/** What TLS is made of at this moment. */
export type Trust = {
  readonly own: X509Certificate;
  readonly authorities: readonly X509Certificate[];
  readonly context: SecureContextOptions;
  /** Serial numbers that their issuer took back, by the issuer’s fingerprint. */
  readonly revoked: ReadonlyMap<string, ReadonlySet<string>>;
};

/**
 * PS3.15 §B.12, “BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile”: TLS 1.2 and 1.3, nothing older, forward
 * secrecy and authenticated encryption only. DHE is left out: its groups cannot be trusted to be large enough.
 */
export const tlsProfile = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
  ecdhCurve: 'X25519:P-256:P-384',
} as const;

/** Reads the folder of a certificate store again whenever a file of it changed. */
export class TrustFolder {
  readonly #directory: string;
  #seen = '';
  #trust: Trust | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Answers the same object as long as nothing changed. */
  async current(): Promise<Trust> {
    const seen = await this.#fingerprint();
    if (this.#trust && seen === this.#seen) return this.#trust;
    this.#trust = await readTrust(this.#directory);
    this.#seen = seen;
    return this.#trust;
  }

  async #fingerprint(): Promise<string> {
    const paths = (await readdir(this.#directory, { recursive: true }))
      .filter((name) => !name.endsWith('.part'))
      .sort();
    const stats = await Promise.all(
      paths.map(async (name) => {
        const { mtimeMs, size, ino } = await stat(join(this.#directory, name));
        return `${name} ${mtimeMs} ${size} ${ino}`;
      }),
    );
    return stats.join('\n');
  }
}

const namesSchema = z.object({ trusted: z.array(z.string()) });

async function readTrust(directory: string): Promise<Trust> {
  const { trusted } = namesSchema.parse(JSON.parse(await readFile(join(directory, 'state.json'), 'utf8')));
  const foreign = (await readdir(join(directory, 'trusted'))).map((name) => join('trusted', name));
  const files = [
    ...trusted.flatMap((name) => [`authority-${name}.pem`, `authority-${name}.crl.pem`]),
    ...foreign,
  ].filter((name) => existsSync(join(directory, name)));
  const pem = (await Promise.all(files.map(async (name) => readFile(join(directory, name), 'utf8')))).join(
    '\n',
  );
  const certificates = blocks(pem, 'CERTIFICATE');
  const authorities = certificates.map((text) => new X509Certificate(text));
  // A certificate that the site had signed elsewhere, with its key, stands before the one of our making.
  const ownFile = ['site.pem', 'node.pem'].find((name) => existsSync(join(directory, name))) ?? 'node.pem';
  const own = await readFile(join(directory, ownFile), 'utf8');
  return {
    own: new X509Certificate(own),
    authorities,
    revoked: await revocations(blocks(pem, 'X509 CRL'), authorities),
    context: { ...tlsProfile, cert: own, key: own, ca: certificates },
  };
}

function blocks(pem: string, label: string): string[] {
  return pem.match(new RegExp(`-----BEGIN ${label}-----[\\s\\S]+?-----END ${label}-----`, 'g')) ?? [];
}

/**
 * OpenSSL’s own check demands a list of every authority, and a hospital’s may publish none; so lists are applied here, where
 * there are some. A list counts for the authority that signed it.
 */
async function revocations(
  lists: readonly string[],
  authorities: readonly X509Certificate[],
): Promise<Map<string, Set<string>>> {
  const revoked = new Map<string, Set<string>>();
  for (const text of lists) {
    const list = new x509.X509Crl(text);
    for (const authority of authorities) {
      if (!(await isSignedBy(list, authority))) continue;
      const serials = revoked.get(authority.fingerprint256) ?? new Set<string>();
      for (const { serialNumber } of list.entries) serials.add(plainSerial(serialNumber));
      revoked.set(authority.fingerprint256, serials);
    }
  }
  return revoked;
}

async function isSignedBy(list: x509.X509Crl, authority: X509Certificate): Promise<boolean> {
  try {
    return await list.verify({ publicKey: new x509.X509Certificate(authority.raw) }, webcrypto);
  } catch {
    // A key of another kind than the signature.
    return false;
  }
}

function plainSerial(serialNumber: string): string {
  return serialNumber.toLowerCase().replace(/^0+/, '');
}

/** Why this chain is not to be believed, whatever OpenSSL said; undefined when it is. */
export function refusalOf(leaf: X509Certificate, trust: Trust): string | undefined {
  const now = Date.now();
  for (let at: X509Certificate | undefined = leaf; at; at = issuerOf(at)) {
    if (at.validToDate.getTime() < now || at.validFromDate.getTime() > now) return 'certificate expired';
    const certificate: X509Certificate = at;
    const issuer = trust.authorities.find(
      (authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
    );
    if (!issuer) continue;
    const isRevoked = trust.revoked.get(issuer.fingerprint256)?.has(plainSerial(certificate.serialNumber));
    return isRevoked ? 'certificate revoked' : undefined;
  }
  return 'authority no longer trusted';
}

function issuerOf(certificate: X509Certificate): X509Certificate | undefined {
  const issuer = certificate.issuerCertificate;
  return issuer && issuer.fingerprint256 !== certificate.fingerprint256 ? issuer : undefined;
}
