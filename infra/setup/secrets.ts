import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { privateJwkSchema, type PrivateJwk } from '@medusa/broker/tokens';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { z } from 'zod';
import { ensureCertificates } from './certificates.ts';
import { writeSecret } from './write-secret.ts';

const demoUsersSchema = z.array(
  z.object({
    username: z.string(),
    name: z.string(),
    role: z.enum(['radiologist', 'doctor', 'admin']),
    password: z.string(),
  }),
);
type DemoUser = z.infer<typeof demoUsersSchema>[number];

export type Secrets = {
  readonly directory: string;
  /** PEM files. */
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly brokerSigningKey: PrivateJwk;
  readonly demoUsers: readonly DemoUser[];
  readonly postgresPassword: string;
};

const demoPeople = [
  { username: 'radiologist', name: 'Rosa Rademaker', role: 'radiologist' },
  { username: 'doctor', name: 'Dirk de Doctor', role: 'doctor' },
  { username: 'admin', name: 'Ada Beheer', role: 'admin' },
] as const;

/**
 * Makes what is missing under `<dataDir>/secrets` (mode 0700) and keeps what is there: certificate authority, server
 * certificate, signing keys, demo users with random passwords. Idempotent.
 */
export async function ensureSecrets(
  dataDir: string,
  options: { readonly hostNames?: readonly string[] } = {},
): Promise<Secrets> {
  const directory = path.join(dataDir, 'secrets');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);

  const hostNames = [...new Set(['localhost', '127.0.0.1', '::1', hostname(), ...(options.hostNames ?? [])])];
  const certificates = await ensureCertificates(directory, hostNames);
  const brokerSigningKey = await ensureJson(directory, 'broker-signing-key.json', async () =>
    signingKey('ES256'),
  );
  await ensureJson(directory, 'oidc-keys.json', async () => ({ keys: [await signingKey('RS256')] }));
  await ensureText(directory, 'oidc-cookie-key', () => randomBytes(32).toString('base64url'));
  await ensureText(directory, 'provider-key', () => randomBytes(32).toString('base64url'));
  const postgresPassword = await ensureText(directory, 'postgres-password', () =>
    randomBytes(18).toString('base64url'),
  );
  const demoUsers = await ensureJson(directory, 'demo-users.json', async () =>
    demoPeople.map((person) => ({ ...person, password: randomBytes(9).toString('base64url') })),
  );
  return {
    directory,
    ...certificates,
    brokerSigningKey: privateJwkSchema.parse(brokerSigningKey),
    demoUsers: demoUsersSchema.parse(demoUsers),
    postgresPassword,
  };
}

async function signingKey(alg: 'ES256' | 'RS256'): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: randomBytes(8).toString('hex') };
}

async function ensureJson(directory: string, name: string, make: () => Promise<unknown>): Promise<unknown> {
  const text = await ensureText(directory, name, async () => JSON.stringify(await make(), null, 2));
  return JSON.parse(text) as unknown;
}

async function ensureText(
  directory: string,
  name: string,
  make: () => string | Promise<string>,
): Promise<string> {
  const file = path.join(directory, name);
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const text = await make();
    await writeSecret(file, text);
    return text;
  }
}
