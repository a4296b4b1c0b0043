// @peculiar/x509 resolves its parts through decorators and wants this first.
import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { exportJWK, generateKeyPair } from 'jose';
import { privateJwkSchema, type PrivateJwk } from '../identity/index.ts';

export const testUsers = [
  { username: 'rosa', name: 'Rosa Radiologist', role: 'radiologist', password: 'rosa-password' },
  { username: 'rene', name: 'René Radiologist', role: 'radiologist', password: 'rene-password' },
  { username: 'dirk', name: 'Dirk Doctor', role: 'doctor', password: 'dirk-password' },
  { username: 'ada', name: 'Ada Admin', role: 'admin', password: 'ada-password' },
] as const;
export type TestUser = (typeof testUsers)[number]['username'];

export type TestSecrets = {
  readonly dir: string;
  readonly certificate: string;
  readonly key: string;
  readonly signingKey: PrivateJwk;
};

/** The secrets folder as the set-up would make it. */
export async function makeTestSecrets(dataDir: string): Promise<TestSecrets> {
  const dir = join(dataDir, 'secrets');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const { certificate, key } = await selfSigned();
  const signingKey = await privateKey('ES256');
  const files = {
    'ca.pem': certificate,
    'server.pem': certificate,
    'server.key.pem': key,
    'broker-signing-key.json': JSON.stringify(signingKey),
    'oidc-keys.json': JSON.stringify({ keys: [await privateKey('RS256')] }),
    'oidc-cookie-key': randomBytes(32).toString('base64url'),
    'provider-key': randomBytes(32).toString('base64url'),
    'demo-users.json': JSON.stringify(testUsers),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text, { mode: 0o600 });
  return { dir, certificate, key, signingKey };
}

async function privateKey(alg: 'ES256' | 'RS256'): Promise<PrivateJwk> {
  const pair = await generateKeyPair(alg, { extractable: true });
  return privateJwkSchema.parse({
    ...(await exportJWK(pair.privateKey)),
    kid: randomBytes(6).toString('hex'),
    alg,
    use: 'sig',
  });
}

async function selfSigned(): Promise<{ certificate: string; key: string }> {
  x509.cryptoProvider.set(crypto);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomBytes(8).toString('hex'),
    // Its own name each time: authorities are looked up by name, and one process trusts several here.
    name: `CN=Medusa test ${randomBytes(6).toString('hex')}`,
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 86_400_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${(pkcs8.match(/.{1,64}/g) ?? []).join('\n')}\n-----END PRIVATE KEY-----\n`;
  return { certificate: certificate.toString('pem'), key };
}
