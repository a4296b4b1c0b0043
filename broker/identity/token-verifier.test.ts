import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { createTokenVerifier, localIssuerKeys, type VerifyToken } from './token-verifier.ts';

const issuer = 'https://sso.example/realms/hospital';
let key: CryptoKey;
let strangerKey: CryptoKey;
let verify: VerifyToken;
beforeAll(async () => {
  const pair = await generateKeyPair('RS256');
  key = pair.privateKey;
  strangerKey = (await generateKeyPair('RS256')).privateKey;
  const keys = localIssuerKeys({ keys: [{ ...(await exportJWK(pair.publicKey)), alg: 'RS256' }] });
  verify = createTokenVerifier({ issuer, clientId: 'medusa-client', keys });
});

/** As Keycloak writes an access token. */
const keycloakClaims = {
  iss: issuer,
  sub: '5f0c',
  aud: 'account',
  azp: 'medusa-client',
  typ: 'Bearer',
  sid: 'login-1',
  name: 'Rosa R',
  preferred_username: 'rosa',
  realm_access: { roles: ['offline_access', 'radiologist', 'uma_authorization'] },
};

async function sign(claims: JWTPayload, options: { expiry?: string; by?: CryptoKey } = {}): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256' })
    .setIssuedAt()
    .setExpirationTime(options.expiry ?? '5 min')
    .sign(options.by ?? key);
}

describe('an access token of an issuer elsewhere', () => {
  it('names the user, and of the roles only ours', async () => {
    expect(await verify(await sign(keycloakClaims))).toMatchObject({
      id: '5f0c',
      name: 'Rosa R',
      username: 'rosa',
      roles: ['radiologist'],
      loginId: 'login-1',
    });
  });

  it.each<[string, () => Promise<string>]>([
    ['given to another client', async () => sign({ ...keycloakClaims, azp: 'other' })],
    ['given to no client', async () => sign({ ...keycloakClaims, azp: undefined })],
    ['that is an ID token', async () => sign({ ...keycloakClaims, typ: 'ID' })],
    ['of another issuer', async () => sign({ ...keycloakClaims, iss: 'https://sso.example/realms/other' })],
    ['past its time', async () => sign(keycloakClaims, { expiry: '-1 min' })],
    ['signed by a stranger', async () => sign(keycloakClaims, { by: strangerKey })],
    ['without a subject', async () => sign({ ...keycloakClaims, sub: '' })],
    ['that is none', async () => Promise.resolve('nonsense')],
  ])('%s is rejected', async (_name, make) => {
    await expect(verify(await make())).rejects.toMatchObject({ code: 'identity.rejected' });
  });

  it('without a signature is rejected', async () => {
    const [, payload] = (await sign(keycloakClaims)).split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');

    await expect(verify(`${header}.${payload ?? ''}.`)).rejects.toMatchObject({ code: 'identity.rejected' });
  });
});
