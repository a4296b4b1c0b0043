import { randomUUID } from 'node:crypto';
import {
  AppError,
  joinTokenClaimsSchema,
  nodeTokenClaimsSchema,
  studyTokenClaimsSchema,
  type NodeId,
  type StudyTokenClaims,
} from '@medusa/protocol';
import {
  CompactSign,
  createLocalJWKSet,
  importJWK,
  jwtVerify,
  SignJWT,
  type JWK,
  type JWTPayload,
} from 'jose';
import { z } from 'zod';

/** A private JSON Web Key (RFC 7517) with an id. */
export type PrivateJwk = JWK & { readonly kid: string };

const privateJwkShape = z.looseObject({ kty: z.string(), kid: z.string().min(1), d: z.string() });
export const privateJwkSchema = z.custom<PrivateJwk>(
  (key) => privateJwkShape.safeParse(key).success,
  'not a private JSON Web Key with an id',
);

export type NodeIdentity = {
  readonly nodeId: NodeId;
  readonly kind: 'render' | 'storage';
  /** Which of the machines that had this node's name. Absent or 0: the node was not provisioned. */
  readonly incarnation?: number;
};
export type VerifiedNode = Required<NodeIdentity> & { readonly issuedAt: Date };

/** What a one-time join token says. */
export type JoinClaims = {
  readonly id: string;
  readonly nodeId: NodeId;
  readonly role: 'render' | 'storage';
  readonly incarnation: number;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
};

/** Signs and checks what storage and render nodes trust: study, node and join tokens. */
export type BrokerKeys = {
  /** For `/api/jwks.json`: public parts only. */
  readonly jwks: { readonly keys: readonly JWK[] };
  signStudyToken(claims: Omit<StudyTokenClaims, 'aud'>, ttlSeconds: number): Promise<string>;
  verifyStudyToken(token: string): Promise<StudyTokenClaims>;
  /** A report as a JSON Web Signature in compact form (RFC 7515); anybody can check it with the public key. */
  signReport(report: object): Promise<string>;
  /** What was agreed upon, in the same form. */
  signAgreement(agreed: object): Promise<string>;
  verifyNodeToken(token: string): Promise<VerifiedNode>;
  mintNodeToken(identity: NodeIdentity): Promise<string>;
  verifyJoinToken(token: string): Promise<JoinClaims>;
  mintJoinToken(
    guest: Pick<JoinClaims, 'nodeId' | 'role' | 'incarnation'>,
    ttlSeconds: number,
  ): Promise<string>;
};

const issuer = 'medusa-broker';
const algorithm = 'ES256';

/** A token by which a node registers with the broker. No expiry: it lives as long as the signing key. */
export async function mintNodeToken(
  key: PrivateJwk,
  { nodeId, kind, incarnation = 0 }: NodeIdentity,
): Promise<string> {
  return new SignJWT({ kind, incarnation })
    .setProtectedHeader({ alg: algorithm, kid: key.kid })
    .setIssuer(issuer)
    .setSubject(nodeId)
    .setAudience('medusa-node')
    .setIssuedAt()
    .setJti(randomUUID())
    .sign(await importJWK(key, algorithm));
}

export async function openBrokerKeys(key: PrivateJwk): Promise<BrokerKeys> {
  const signingKey = await importJWK(key, algorithm);
  const jwks = { keys: [publicPart(key, algorithm)] };
  const keySet = createLocalJWKSet(jwks);

  const verify = async (token: string, audience: string): Promise<JWTPayload> => {
    try {
      const options = { issuer, audience, algorithms: [algorithm], clockTolerance: 5 };
      return (await jwtVerify(token, keySet, options)).payload;
    } catch (cause) {
      throw new AppError('identity.rejected', 'The token is not valid', { cause });
    }
  };

  const sign = async (document: object, typ: string): Promise<string> =>
    new CompactSign(new TextEncoder().encode(JSON.stringify(document)))
      .setProtectedHeader({ alg: algorithm, kid: key.kid, typ })
      .sign(signingKey);

  return {
    jwks,
    signStudyToken: async ({ sub, ...claims }, ttlSeconds) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: algorithm, kid: key.kid })
        .setIssuer(issuer)
        .setSubject(sub)
        .setAudience('medusa-storage')
        .setIssuedAt()
        .setExpirationTime(`${ttlSeconds} s`)
        .sign(signingKey),
    verifyStudyToken: async (token) => studyTokenClaimsSchema.parse(await verify(token, 'medusa-storage')),
    signReport: async (report) => sign(report, 'medusa-report+json'),
    signAgreement: async (agreed) => sign(agreed, 'medusa-agreement+json'),
    verifyNodeToken: async (token) => {
      const claims = nodeTokenClaimsSchema.parse(await verify(token, 'medusa-node'));
      const { sub: nodeId, kind, incarnation, iat } = claims;
      return { nodeId, kind, incarnation, issuedAt: instantOf(iat) };
    },
    mintNodeToken: async (identity) => mintNodeToken(key, identity),
    verifyJoinToken: async (token) => {
      const claims = joinTokenClaimsSchema.parse(await verify(token, 'medusa-join'));
      const { jti: id, sub: nodeId, role, incarnation, iat, exp } = claims;
      return { id, nodeId, role, incarnation, issuedAt: instantOf(iat), expiresAt: instantOf(exp) };
    },
    mintJoinToken: async ({ nodeId, role, incarnation }, ttlSeconds) =>
      new SignJWT({ role, incarnation })
        .setProtectedHeader({ alg: algorithm, kid: key.kid })
        .setIssuer(issuer)
        .setSubject(nodeId)
        .setAudience('medusa-join')
        .setIssuedAt()
        .setExpirationTime(`${ttlSeconds} s`)
        .setJti(randomUUID())
        .sign(signingKey),
  };
}

/** NumericDate of RFC 7519 §2: seconds. */
function instantOf(numericDate: number): Date {
  return new Date(numericDate * 1000);
}

/** Only the members that RFC 7518 §6 makes public, so that a new private member can never leak. */
export function publicPart(key: PrivateJwk, alg: string): JWK {
  const { kty, kid, crv, x, y, n, e } = key;
  const members = { kty, kid, crv, x, y, n, e, alg, use: 'sig' };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
