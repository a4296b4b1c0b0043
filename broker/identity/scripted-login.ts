import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';

export type ScriptedLogin = {
  readonly issuerUrl: string;
  readonly username: string;
  readonly password: string;
  readonly redirectUri: string;
  readonly clientId?: string;
};

export const tokenAnswerSchema = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  id_token: z.string(),
  expires_in: z.number(),
});
export type TokenAnswer = z.infer<typeof tokenAnswerSchema>;

/**
 * Logs in as a browser would: authorization code with PKCE (RFC 7636), the login form, the code's exchange.
 * For scripts and tests; there is no shorter way in.
 */
export async function logInForToken(
  login: ScriptedLogin,
  browser: CookieBrowser = createCookieBrowser(),
): Promise<TokenAnswer> {
  const clientId = login.clientId ?? 'medusa-client';
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: login.redirectUri,
    response_type: 'code',
    scope: 'openid profile roles',
    state: randomBytes(8).toString('hex'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const form = await browser.follow(
    `${login.issuerUrl}/protocol/openid-connect/auth?${query.toString()}`,
    login.redirectUri,
  );
  if (form.response.status !== 200) throw new Error(`The login page answers ${form.response.status}`);
  const action = /<form[^>]* action="([^"]+)"/
    .exec(await form.response.text())?.[1]
    ?.replaceAll('&amp;', '&');
  if (action === undefined) throw new Error('There is no form on the login page');
  const body = new URLSearchParams({ username: login.username, password: login.password });
  const done = await browser.follow(new URL(action, form.url).href, login.redirectUri, body);
  const code = new URL(done.url).searchParams.get('code');
  if (code === null) throw new Error(`The login was refused (${done.response.status})`);
  return exchange(login.issuerUrl, {
    grant_type: 'authorization_code',
    client_id: clientId,
    redirect_uri: login.redirectUri,
    code,
    code_verifier: verifier,
  });
}

/** A new access token for the same login. */
export async function refreshToken(
  issuerUrl: string,
  refresh: string,
  clientId = 'medusa-client',
): Promise<TokenAnswer> {
  return exchange(issuerUrl, { grant_type: 'refresh_token', client_id: clientId, refresh_token: refresh });
}

async function exchange(issuerUrl: string, fields: Record<string, string>): Promise<TokenAnswer> {
  const response = await fetch(`${issuerUrl}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams(fields),
  });
  if (!response.ok) throw new Error(`The token endpoint answers ${response.status}`);
  return tokenAnswerSchema.parse(await response.json());
}

type Page = { readonly url: string; readonly response: Response };

/** Keeps cookies and follows redirects, until one leads to `stopAt` with a `state`. */
export type CookieBrowser = {
  follow(url: string, stopAt: string, body?: URLSearchParams): Promise<Page>;
};

export function createCookieBrowser(): CookieBrowser {
  const cookies = new Map<string, string>();
  const visit = async (url: string, body?: URLSearchParams): Promise<Response> => {
    const cookie = Array.from(cookies, ([name, value]) => `${name}=${value}`).join('; ');
    const request = body ? { method: 'POST', body } : {};
    const response = await fetch(url, { ...request, headers: { cookie }, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = line.split(';', 1)[0]?.split(/=(.*)/s) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };
  return {
    async follow(url, stopAt, body) {
      let response = await visit(url, body);
      let at = url;
      for (let hops = 0; hops < 10; hops += 1) {
        const location = response.headers.get('location');
        if (location === null) break;
        at = new URL(location, at).href;
        await response.body?.cancel();
        if (at.startsWith(stopAt) && new URL(at).searchParams.has('state')) break;
        response = await visit(at);
      }
      return { url: at, response };
    },
  };
}
