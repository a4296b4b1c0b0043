import { buffer } from 'node:stream/consumers';
import type { KoaContextWithOIDC } from 'oidc-provider';

/**
 * keycloak-js decodes the refresh token to learn its expiry, so it has to look like a JWT;
 * ours are opaque. They travel as `e30.<claims>.<opaque>`: `e30` is `{}`, there is no signature, nobody trusts the claims.
 */
function wrapRefreshToken(opaque: string, claims: { iat: number; exp: number }): string {
  const encoded = Buffer.from(JSON.stringify({ typ: 'Refresh', ...claims })).toString('base64url');
  return `e30.${encoded}.${opaque}`;
}

function unwrapRefreshToken(token: string): string {
  const parts = token.split('.');
  return parts.length === 3 && parts[0] === 'e30' ? (parts[2] ?? '') : token;
}

const mostBodyBytes = 64 * 1024;

/** Middleware of the provider: unwraps in token, revoke and logout requests, wraps in token answers. */
export function refreshTokenShape(ttlSeconds: number) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    const isToken = ctx.path.endsWith('/token');
    if (ctx.method === 'POST' && /\/(token|revoke|logout)$/.test(ctx.path)) await unwrapBody(ctx);
    await next();
    const answer = ctx.body as { refresh_token?: unknown } | undefined;
    if (isToken && typeof answer?.refresh_token === 'string') {
      const iat = Math.floor(Date.now() / 1000);
      answer.refresh_token = wrapRefreshToken(answer.refresh_token, { iat, exp: iat + ttlSeconds });
    }
  };
}

async function unwrapBody(ctx: KoaContextWithOIDC): Promise<void> {
  if (!ctx.is('application/x-www-form-urlencoded')) return;
  if (Number(ctx.get('content-length') || Infinity) > mostBodyBytes) ctx.throw(413);
  const form = new URLSearchParams((await buffer(ctx.req)).toString());
  for (const name of ['refresh_token', 'token']) {
    const value = form.get(name);
    if (value !== null) form.set(name, unwrapRefreshToken(value));
  }
  // The provider takes the body from here once the stream is read.
  (ctx.req as typeof ctx.req & { body?: string }).body = form.toString();
}
