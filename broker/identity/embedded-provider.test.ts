import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { startTestDatabase } from '../support/test-database.ts';
import { createCookieBrowser, logInForToken, refreshToken } from './scripted-login.ts';

const suite = new AsyncDisposableStack();
let broker: TestBroker;
beforeAll(async () => {
  broker = suite.use(await startTestBroker(suite.use(await startTestDatabase())));
});
afterAll(async () => suite.disposeAsync());

const issuer = (): string => `${broker.url}/realms/medusa`;

describe('the embedded provider', () => {
  it('tells of itself where Keycloak would', async () => {
    const { status, body } = await broker.call('GET', '/realms/medusa/.well-known/openid-configuration');

    expect(status).toBe(200);
    expect(body).toMatchObject({
      issuer: issuer(),
      authorization_endpoint: `${issuer()}/protocol/openid-connect/auth`,
      token_endpoint: `${issuer()}/protocol/openid-connect/token`,
      jwks_uri: `${issuer()}/protocol/openid-connect/certs`,
      end_session_endpoint: `${issuer()}/protocol/openid-connect/logout`,
      code_challenge_methods_supported: ['S256'],
    });
  });

  it('logs in, and its access token opens the interface with the role', async () => {
    const { access_token: token, id_token } = await broker.logIn('rosa');

    expect(decodeJwt(token)).toMatchObject({
      iss: issuer(),
      sub: 'rosa',
      realm_access: { roles: ['radiologist'] },
    });
    const me = await broker.call('GET', '/api/me', { token });
    expect(me).toEqual({
      status: 200,
      body: { id: 'rosa', name: 'Rosa Radiologist', username: 'rosa', roles: ['radiologist'] },
    });
    const withIdToken = await broker.call('GET', '/api/me', { token: id_token });
    expect(withIdToken.status).toBe(401);
  });

  it('refreshes, with a refresh token that keycloak-js can read, also after a restart of the broker', async () => {
    const first = await broker.logIn('rosa');
    const claims = decodeJwt(first.refresh_token);
    expect(claims).toMatchObject({ typ: 'Refresh' });
    expect(claims.exp).toBeGreaterThan(Date.now() / 1000);

    await broker.restart();
    const second = await refreshToken(issuer(), first.refresh_token);

    expect(decodeJwt(second.access_token)).toMatchObject({
      sub: 'rosa',
      sid: decodeJwt(first.access_token)['sid'],
    });
    expect((await broker.call('GET', '/api/me', { token: second.access_token })).status).toBe(200);
  });

  it('ends a login whose refresh token is revoked', async () => {
    const { refresh_token: token } = await broker.logIn('rosa');

    const revoked = await fetch(`${issuer()}/protocol/openid-connect/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token, client_id: 'medusa-client' }),
    });

    expect(revoked.status).toBe(200);
    await expect(refreshToken(issuer(), token)).rejects.toThrow('400');
  });

  it('logs out after asking, ends the refresh token with the login, and writes both down', async () => {
    const browser = createCookieBrowser();
    const redirectUri = `${broker.url}/`;
    const login = { issuerUrl: issuer(), username: 'rene', password: 'rene-password', redirectUri };
    const { id_token, refresh_token: token } = await logInForToken(login, browser);
    const query = new URLSearchParams({
      id_token_hint: id_token,
      post_logout_redirect_uri: redirectUri,
      state: 'out',
    });

    const asking = await browser.follow(
      `${issuer()}/protocol/openid-connect/logout?${query.toString()}`,
      redirectUri,
    );
    const page = await asking.response.text();
    expect(page).toContain('Log out of Medusa?');
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
    const confirm = new URLSearchParams({ xsrf, logout: 'yes' });
    const done = await browser.follow(
      `${issuer()}/protocol/openid-connect/logout/confirm`,
      redirectUri,
      confirm,
    );

    expect(done.url).toBe(`${redirectUri}?state=out`);
    await expect(refreshToken(issuer(), token)).rejects.toThrow('400');
    const { body } = await broker.call('GET', '/api/audit?actor=rene', { token: await broker.token('ada') });
    expect((body as { events: { action: string }[] }).events.map(({ action }) => action)).toEqual([
      'user.logout',
      'user.login',
    ]);
  });

  it('refuses a wrong password, writes it down, and slows the guesser', async () => {
    const redirectUri = `${broker.url}/`;
    const guess = logInForToken({
      issuerUrl: issuer(),
      username: 'dirk',
      password: 'wrong-password',
      redirectUri,
    });
    await expect(guess).rejects.toThrow('401');
    const { body } = await broker.call('GET', '/api/audit?action=user.login&actor=dirk', {
      token: await broker.token('ada'),
    });
    expect(body).toMatchObject({ events: [{ actorId: 'dirk', outcome: 'failure' }] });

    for (let tries = 1; tries < 5; tries += 1)
      await expect(
        logInForToken({ issuerUrl: issuer(), username: 'dirk', password: 'wrong-password', redirectUri }),
      ).rejects.toThrow('401');
    await expect(
      logInForToken({ issuerUrl: issuer(), username: 'dirk', password: 'dirk-password', redirectUri }),
    ).rejects.toThrow('429');
  });

  it('refuses a redirect to another origin, and a request without PKCE', async () => {
    const ask = async (extra: Record<string, string>): Promise<{ status: number; location: string }> => {
      const fields = {
        client_id: 'medusa-client',
        response_type: 'code',
        scope: 'openid',
        state: 's',
        ...extra,
      };
      const query = new URLSearchParams(fields).toString();
      const answer = await fetch(`${issuer()}/protocol/openid-connect/auth?${query}`, { redirect: 'manual' });
      return { status: answer.status, location: answer.headers.get('location') ?? '' };
    };
    const challenge = { code_challenge: 'a'.repeat(43), code_challenge_method: 'S256' };

    expect(await ask({ ...challenge, redirect_uri: 'https://example.org/' })).toEqual({
      status: 400,
      location: '',
    });
    expect((await ask({ redirect_uri: `${broker.url}/` })).location).toContain('error=invalid_request');
    expect((await ask({ ...challenge, redirect_uri: `${broker.url}/` })).location).toMatch(
      /\/realms\/medusa\/login\//,
    );
  });
});
