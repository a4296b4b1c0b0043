import type { RequestHandler } from 'express';
import type { AuditTrail } from './audit/index.ts';
import type { BrokerConfig } from './config.ts';
import {
  createEmbeddedProvider,
  createTokenVerifier,
  discoverIssuerKeys,
  embeddedAudience,
  embeddedRealmPath,
  localIssuerKeys,
  openAccountBook,
  publicPart,
  type LoginEvent,
  type VerifyToken,
} from './identity/index.ts';
import { createOidcAdapter, type Db } from './persistence/index.ts';
import type { BrokerSecrets } from './secrets.ts';

export type OpenedLogin = {
  readonly issuer: string;
  readonly verify: VerifyToken;
  readonly provider: { readonly path: string; readonly callback: RequestHandler } | undefined;
  /** The trail as the edges see it: logins at the embedded provider are told by the provider itself. */
  readonly loginAudit: AuditTrail;
};

type LoginOptions = {
  readonly config: BrokerConfig;
  readonly secrets: BrokerSecrets;
  readonly publicUrl: string;
  readonly db: Db;
  readonly audit: AuditTrail;
  readonly report: (error: unknown) => void;
};

const discoveryMs = 20_000;

/** The hospital's own OIDC issuer when one is configured, the embedded provider otherwise. */
export async function openLogin(options: LoginOptions): Promise<OpenedLogin> {
  const { config, audit } = options;
  const { externalIssuer: issuer, clientId } = config;
  if (issuer === undefined) return openEmbedded(options);
  const keys = await discoverIssuerKeys(issuer, AbortSignal.timeout(discoveryMs));
  return {
    issuer,
    verify: createTokenVerifier({ issuer, clientId, keys }),
    provider: undefined,
    loginAudit: audit,
  };
}

async function openEmbedded({
  config,
  secrets,
  publicUrl,
  db,
  audit,
  report,
}: LoginOptions): Promise<OpenedLogin> {
  const { clientId } = config;
  const provider = createEmbeddedProvider(
    { publicUrl, clientId, keys: secrets.oidcKeys, cookieKey: secrets.cookieKey },
    {
      accounts: await openAccountBook(secrets.demoUsers),
      adapter: createOidcAdapter(db),
      onLogin: async (event) => recordLogin(audit, event),
      onError: report,
    },
  );
  const issuer = `${publicUrl}${embeddedRealmPath}`;
  const keys = localIssuerKeys({ keys: secrets.oidcKeys.map((key) => publicPart(key, 'RS256')) });
  return {
    issuer,
    verify: createTokenVerifier({ issuer, clientId, audience: embeddedAudience, keys }),
    provider: { path: embeddedRealmPath, callback: provider.callback() },
    loginAudit: { ...audit, recordLoginOnce: async () => Promise.resolve() },
  };
}

async function recordLogin(audit: AuditTrail, { kind, username, name, address }: LoginEvent): Promise<void> {
  const actor = { id: username, name, address };
  const isFailure = kind === 'login-failed';
  await audit.record({
    action: kind === 'logout' ? 'user.logout' : 'user.login',
    outcome: isFailure ? 'failure' : 'success',
    actor,
    objectType: 'user',
    objectId: username,
    detail: isFailure ? 'wrong user name or password' : '',
  });
}
