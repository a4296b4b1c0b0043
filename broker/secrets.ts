import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { demoUserSchema, type DemoUser, type PrivateJwk, privateJwkSchema } from './identity/index.ts';

/** What the broker must keep to itself. Made by the set-up, read once at start. */
export type BrokerSecrets = {
  /** PEM of the authority that signed the certificate: what machines elsewhere have to trust. */
  readonly authority: string;
  readonly certificate: string;
  readonly certificateKey: string;
  readonly signingKey: PrivateJwk;
  readonly oidcKeys: readonly PrivateJwk[];
  readonly cookieKey: string;
  readonly demoUsers: readonly DemoUser[];
  /** Seals the credentials of providers: one key a line, the first is used for new ones. */
  readonly providerKeys: string;
};

/** Reads the secrets folder; a missing or malformed file stops the start. */
export async function loadSecrets(secretsDir: string, hasEmbeddedProvider: boolean): Promise<BrokerSecrets> {
  const text = async (name: string): Promise<string> => readFile(join(secretsDir, name), 'utf8');
  const json = async <Value>(name: string, schema: z.ZodType<Value>): Promise<Value> =>
    schema.parse(JSON.parse(await text(name)));

  const embedded = hasEmbeddedProvider
    ? {
        oidcKeys: (await json('oidc-keys.json', z.object({ keys: z.array(privateJwkSchema).min(1) }))).keys,
        cookieKey: (await text('oidc-cookie-key')).trim(),
        demoUsers: await json('demo-users.json', z.array(demoUserSchema)),
      }
    : { oidcKeys: [], cookieKey: '', demoUsers: [] };
  return {
    authority: await text('ca.pem'),
    certificate: await text('server.pem'),
    certificateKey: await text('server.key.pem'),
    signingKey: await json('broker-signing-key.json', privateJwkSchema),
    providerKeys: await text('provider-key'),
    ...embedded,
  };
}
