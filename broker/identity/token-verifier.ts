import { AppError, roleSchema, userIdSchema, type Role } from '@medusa/protocol';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import { z } from 'zod';
import type { User } from './user.ts';

/** Checks an access token and answers who carries it, or throws `identity.rejected`. */
export type VerifyToken = (token: string) => Promise<User>;

export type TrustedIssuer = {
  readonly issuer: string;
  readonly clientId: string;
  /** Set when the issuer puts an audience of ours into its tokens. */
  readonly audience?: string;
  readonly keys: JWTVerifyGetKey;
};

const claimsSchema = z.looseObject({
  sub: userIdSchema,
  exp: z.number(),
  name: z.string().optional(),
  preferred_username: z.string().optional(),
  realm_access: z.looseObject({ roles: z.array(z.string()) }).optional(),
  azp: z.string().optional(),
  client_id: z.string().optional(),
  sid: z.string().optional(),
  session_state: z.string().optional(),
  auth_time: z.number().optional(),
  /** Keycloak names the token's use here: `Bearer`, `ID`, `Refresh`. */
  typ: z.string().optional(),
});

/** RFC 7519, RFC 9068: signature, issuer, expiry, and that the token was given to our own client. */
export function createTokenVerifier({ issuer, clientId, audience, keys }: TrustedIssuer): VerifyToken {
  const options = {
    issuer,
    clockTolerance: 5,
    algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA'],
    ...(audience === undefined ? {} : { audience }),
  };
  return async (token) => {
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, keys, options));
    } catch (cause) {
      throw new AppError('identity.rejected', 'The access token is not valid', { cause });
    }
    const claims = parseClaims(payload);
    const { sub, exp, azp, client_id, typ } = claims;
    if ((azp ?? client_id) !== clientId || (typ !== undefined && typ !== 'Bearer'))
      throw new AppError('identity.rejected', 'The token is no access token of this client');
    return {
      id: sub,
      name: claims.name ?? claims.preferred_username ?? sub,
      username: claims.preferred_username ?? sub,
      roles: rolesOf(claims),
      loginId: loginIdOf(claims),
      expiresAt: new Date(exp * 1000),
    };
  };
}

type Claims = z.infer<typeof claimsSchema>;

function parseClaims(payload: JWTPayload): Claims {
  const parsed = claimsSchema.safeParse(payload);
  if (parsed.success) return parsed.data;
  throw new AppError('identity.rejected', 'The access token lacks a claim', { cause: parsed.error });
}

/** Other roles of the realm mean nothing here. */
function rolesOf({ realm_access: access }: Claims): Role[] {
  return (access?.roles ?? []).flatMap((role) => roleSchema.safeParse(role).data ?? []);
}

function loginIdOf(claims: Claims): string {
  return claims.sid ?? claims.session_state ?? `${claims.sub}:${claims.auth_time ?? 0}`;
}

/** Keys of an issuer elsewhere, by OpenID Connect Discovery 1.0 §4. */
export async function discoverIssuerKeys(issuer: string, signal: AbortSignal): Promise<JWTVerifyGetKey> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, { signal });
  if (!response.ok) throw new Error(`The OIDC issuer answers ${response.status} to discovery`);
  const metadata = z.object({ issuer: z.string(), jwks_uri: z.url() }).parse(await response.json());
  if (metadata.issuer !== issuer) throw new Error('The OIDC issuer names itself differently');
  return createRemoteJWKSet(new URL(metadata.jwks_uri));
}

/** Keys of the embedded issuer, without a way over the network. */
export const localIssuerKeys = createLocalJWKSet;
