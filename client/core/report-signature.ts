import { z } from 'zod';

/** Keys of RFC 7517 that verify ES256 (RFC 7518 §3.4). */
export const jwksSchema = z.object({
  keys: z.array(
    z.object({ kid: z.string().optional(), kty: z.string(), crv: z.string(), x: z.string(), y: z.string() }),
  ),
});
export type Jwks = z.infer<typeof jwksSchema>;

const headerSchema = z.object({ alg: z.literal('ES256'), kid: z.string().optional() });

/** A document, and the signature that came with it (JWS compact, RFC 7515). */
type Signed = { readonly document: unknown; readonly signature: string };

/** Whether the signature is of this document and by one of these keys. Never throws. */
export async function isSigned(
  schema: z.ZodType,
  { document, signature }: Signed,
  jwks: Jwks,
): Promise<boolean> {
  try {
    const [header = '', payload = '', mark = ''] = signature.split('.');
    const { kid } = headerSchema.parse(parsePart(header));
    const signed = schema.parse(parsePart(payload));
    if (JSON.stringify(signed) !== JSON.stringify(schema.parse(document))) return false;
    const bytes = new TextEncoder().encode(`${header}.${payload}`);
    for (const key of jwks.keys.filter((one) => kid === undefined || one.kid === kid))
      if (await isBy(key, bytes, decode(mark))) return true;
    return false;
  } catch {
    return false;
  }
}

async function isBy(
  key: Jwks['keys'][number],
  bytes: Uint8Array<ArrayBuffer>,
  mark: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const { kty, crv, x, y } = key;
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const known = await crypto.subtle.importKey('jwk', { kty, crv, x, y }, algorithm, false, ['verify']);
  return crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, known, mark, bytes);
}

function parsePart(part: string): unknown {
  return JSON.parse(new TextDecoder().decode(decode(part))) as unknown;
}

function decode(base64url: string): Uint8Array<ArrayBuffer> {
  const binary = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}
