import { instantSchema, nodeIdSchema, rulingSchema } from '@medusa/protocol';
import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';

/** An object as one node tells the others of it. The bytes are asked for by their hash. */
const peerObjectSchema = z.object({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  sopInstanceUID: z.string().min(1).max(64),
  studyInstanceUID: z.string().min(1).max(64),
  receivedAt: instantSchema,
  receivedFrom: z.string().max(64),
});
export type PeerObject = z.infer<typeof peerObjectSchema>;

/** What came to a node after a cursor, in order. */
export const feedSchema = z.object({
  nodeId: nodeIdSchema,
  /** Cursors are those of this index. */
  indexId: z.string().max(64),
  cursor: z.string().max(64),
  /** There was nothing more at that moment. */
  isAll: z.boolean(),
  rulings: z.array(rulingSchema),
  objects: z.array(peerObjectSchema),
});
export type Feed = z.infer<typeof feedSchema>;

export const feedQuerySchema = z.object({
  after: z
    .string()
    .regex(/^\d{1,15}\.\d{1,15}\.\d{1,15}$/)
    .default('0.0.0'),
  /** That the cursor is of. */
  index: z.string().max(64).default(''),
});

const audience = 'medusa-storage-peer';

/** Proves to a peer who we are, without showing it the secret. */
export async function signPeerToken(secret: Uint8Array, nodeId: string): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(nodeId)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(secret);
}

/** @throws when it is not a peer's */
export async function peerOf(secret: Uint8Array, token: string): Promise<string> {
  const { payload } = await jwtVerify(token, secret, {
    audience,
    algorithms: ['HS256'],
    requiredClaims: ['exp', 'sub'],
    // Clocks of hosts differ a little.
    clockTolerance: 30,
  });
  return payload.sub ?? '';
}
