import { buffer } from 'node:stream/consumers';
import { Provider, type AdapterFactory, type KoaContextWithOIDC } from 'oidc-provider';
import type { PrivateJwk } from './broker-keys.ts';
import type { Account, AccountBook } from './demo-users.ts';
import { LoginLimiter } from './login-limiter.ts';
import { loginPage, logoutPage, messagePage } from './pages.ts';
import { refreshTokenShape } from './refresh-token-shape.ts';

/** `aud` of the embedded provider's access tokens. */
export const embeddedAudience = 'urn:medusa:api';
export const embeddedRealmPath = '/realms/medusa';

export type LoginEvent = {
  readonly kind: 'login' | 'logout' | 'login-failed';
  readonly username: string;
  readonly name: string;
  readonly address: string;
};

type EmbeddedProviderOptions = {
  readonly publicUrl: string;
  readonly clientId: string;
  readonly keys: readonly PrivateJwk[];
  readonly cookieKey: string;
};
type EmbeddedProviderDeps = {
  readonly accounts: AccountBook;
  readonly adapter: AdapterFactory;
  readonly onLogin: (event: LoginEvent) => Promise<void>;
  readonly onError: (error: unknown) => void;
};

const hour = 3_600;
const loginTtlSeconds = 12 * hour;
const accessTtlSeconds = 300;
const endpoint = (name: string): string => `/protocol/openid-connect/${name}`;

/**
 * A certified OpenID Provider for one-box use, with Keycloak's own paths so that keycloak-js needs no setting.
 * Mount its `callback()` at `embeddedRealmPath` and leave `originalUrl` alone.
 */
export function createEmbeddedProvider(
  options: EmbeddedProviderOptions,
  deps: EmbeddedProviderDeps,
): Provider {
  const { publicUrl, clientId } = options;
  const provider = new Provider(`${publicUrl}${embeddedRealmPath}`, {
    adapter: deps.adapter,
    clients: [
      {
        client_id: clientId,
        token_endpoint_auth_method: 'none',
        application_type: 'web',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: [`${publicUrl}/`],
        post_logout_redirect_uris: [`${publicUrl}/`],
      },
    ],
    jwks: { keys: options.keys.map((key) => ({ ...key, alg: 'RS256', use: 'sig' })) },
    cookies: {
      keys: [options.cookieKey],
      long: { signed: true, secure: true, sameSite: 'lax', httpOnly: true },
      short: { signed: true, secure: true, sameSite: 'lax', httpOnly: true },
    },
    pkce: { required: () => true },
    scopes: ['openid', 'offline_access'],
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username'],
      roles: ['realm_access'],
    },
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: false },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = logoutPage(form);
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = messagePage('Logged out', 'You are logged out of Medusa.');
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => embeddedAudience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          audience: embeddedAudience,
          scope: 'openid profile roles',
          accessTokenFormat: 'jwt',
          accessTokenTTL: accessTtlSeconds,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    routes: {
      authorization: endpoint('auth'),
      token: endpoint('token'),
      userinfo: endpoint('userinfo'),
      jwks: endpoint('certs'),
      end_session: endpoint('logout'),
      revocation: endpoint('revoke'),
    },
    interactions: { url: (_ctx, interaction) => `${embeddedRealmPath}/login/${interaction.uid}` },
    findAccount: (_ctx, id) => {
      const account = deps.accounts.find(id);
      return account && { accountId: account.id, claims: () => claimsOf(account) };
    },
    extraTokenClaims: (_ctx, token) => {
      const account =
        'accountId' in token && token.accountId ? deps.accounts.find(token.accountId) : undefined;
      if (!account) return {};
      // The grant is one login; refreshed tokens keep it.
      return { ...claimsOf(account), sid: 'grantId' in token ? token.grantId : undefined };
    },
    // Our own client has nobody's consent to ask: the same organisation runs both.
    loadExistingGrant: async (ctx) => {
      const { client, session, account } = ctx.oidc;
      if (client?.clientId !== clientId || !session || !account) return undefined;
      const known = session.grantIdFor(client.clientId);
      const stored = known === undefined ? undefined : await ctx.oidc.provider.Grant.find(known);
      if (stored) return stored;
      const grant = new ctx.oidc.provider.Grant({ accountId: account.accountId, clientId });
      grant.addOIDCScope('openid profile roles offline_access');
      grant.addResourceScope(embeddedAudience, 'openid profile roles');
      await grant.save();
      return grant;
    },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: () => true,
    ttl: {
      AccessToken: accessTtlSeconds,
      AuthorizationCode: 60,
      IdToken: accessTtlSeconds,
      RefreshToken: loginTtlSeconds,
      Session: loginTtlSeconds,
      Grant: loginTtlSeconds,
      Interaction: hour,
    },
    renderError: (ctx, out) => {
      ctx.type = 'html';
      ctx.body = messagePage('The login did not work', out.error_description ?? out.error);
    },
  });

  // Any page of the application may be the one that asked for the login; none outside of it.
  const isOwnPage = (uri: string): boolean =>
    URL.canParse(uri) && new URL(uri).origin === new URL(publicUrl).origin && !uri.includes('#');
  const prototype = provider.Client.prototype;
  prototype.redirectUriAllowed = isOwnPage;
  prototype.postLogoutRedirectUriAllowed = isOwnPage;

  provider.on('server_error', (_ctx, error) => deps.onError(error));
  provider.use(refreshTokenShape(loginTtlSeconds) as never);
  provider.use(loginInteraction(provider, deps) as never);
  provider.use(auditLogout(deps) as never);
  return provider;
}

function claimsOf(account: Account): {
  sub: string;
  name: string;
  preferred_username: string;
  realm_access: { roles: string[] };
} {
  const { id, name, username, role } = account;
  return { sub: id, name, preferred_username: username, realm_access: { roles: [role] } };
}

type Middleware = (ctx: KoaContextWithOIDC, next: () => Promise<void>) => Promise<void>;

function auditLogout(deps: EmbeddedProviderDeps): Middleware {
  return async (ctx, next) => {
    await next();
    if (!ctx.path.endsWith('/logout/confirm') || ctx.status >= 400) return;
    const { session, params } = ctx.oidc;
    const account = deps.accounts.find(session?.accountId ?? '');
    if (!account || params?.['logout'] === undefined) return;
    await deps.onLogin({ ...account, kind: 'logout', address: addressOf(ctx) });
  };
}

function addressOf(ctx: KoaContextWithOIDC): string {
  return ctx.req.socket.remoteAddress ?? '';
}

function loginInteraction(provider: Provider, deps: EmbeddedProviderDeps): Middleware {
  const limiter = new LoginLimiter(Date.now);

  const show = (ctx: KoaContextWithOIDC, username: string, error?: string): void => {
    ctx.type = 'html';
    ctx.set('cache-control', 'no-store');
    ctx.body = loginPage({ action: `${embeddedRealmPath}${ctx.path}`, username, error });
  };

  const logIn = async (ctx: KoaContextWithOIDC): Promise<void> => {
    const form = new URLSearchParams((await buffer(ctx.req)).toString());
    const username = form.get('username') ?? '';
    const address = addressOf(ctx);
    const waitSeconds = limiter.waitSeconds(username);
    if (waitSeconds > 0) {
      ctx.status = 429;
      ctx.set('retry-after', String(waitSeconds));
      show(ctx, username, `Too many failed tries. Please wait ${waitSeconds} seconds.`);
      return;
    }
    const account = await deps.accounts.authenticate(username, form.get('password') ?? '');
    if (!account) {
      limiter.failed(username);
      await deps.onLogin({ kind: 'login-failed', username: username.slice(0, 80), name: '', address });
      ctx.status = 401;
      show(ctx, username, 'The user name or the password is wrong.');
      return;
    }
    limiter.succeeded(username);
    await deps.onLogin({ kind: 'login', username: account.username, name: account.name, address });
    const result = { login: { accountId: account.id } };
    ctx.redirect(
      await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: false }),
    );
    ctx.status = 303;
  };

  return async (ctx, next) => {
    if (!/^\/login\/[\w-]+$/.test(ctx.path)) {
      await next();
      return;
    }
    try {
      await provider.interactionDetails(ctx.req, ctx.res);
    } catch {
      ctx.status = 400;
      ctx.type = 'html';
      ctx.body = messagePage('The login has expired', 'Please start again.');
      return;
    }
    if (ctx.method === 'POST' && Number(ctx.get('content-length') || Infinity) <= 4_096) await logIn(ctx);
    else show(ctx, '');
  };
}
