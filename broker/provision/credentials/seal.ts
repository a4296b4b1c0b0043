import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** Keeps credentials so that the database alone does not tell them. */
export type Seal = {
  seal(provider: string, credentials: unknown): string;
  /** @throws when it was sealed with another key, for another provider, or changed. The message names none of the content. */
  open(provider: string, sealed: string): unknown;
};

const version = 'v1';
const nonceBytes = 12;
const tagBytes = 16;

/**
 * AES-256-GCM (NIST SP 800-38D), a random 96-bit nonce each time; the provider's id is authenticated along, so that one provider's
 * credentials cannot be put in another's place. Envelope: `v1.<key id>.<nonce>.<ciphertext and tag>`, base64url.
 * @param keys base64url, 32 bytes each, one a line. The first seals; the others still open what was sealed before a change of key.
 */
export function createSeal(keys: string): Seal {
  const known = keys
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(readKey);
  const [current] = known;
  if (!current) throw new Error('The file of the provider key is empty');
  return {
    seal(provider, credentials) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', current.key, nonce, { authTagLength: tagBytes });
      cipher.setAAD(associated(provider));
      const text = Buffer.concat([cipher.update(JSON.stringify(credentials), 'utf8'), cipher.final()]);
      const sealed = Buffer.concat([text, cipher.getAuthTag()]);
      return [version, current.id, nonce.toString('base64url'), sealed.toString('base64url')].join('.');
    },

    open(provider, envelope) {
      const [stated, id, nonce = '', body = ''] = envelope.split('.');
      const held = known.find((key) => key.id === id);
      if (stated !== version || !held)
        throw new Error(`The credentials of ${provider} were sealed with a key that is not here`);
      try {
        const sealed = Buffer.from(body, 'base64url');
        const options = { authTagLength: tagBytes };
        const decipher = createDecipheriv('aes-256-gcm', held.key, Buffer.from(nonce, 'base64url'), options);
        decipher.setAAD(associated(provider));
        decipher.setAuthTag(sealed.subarray(-tagBytes));
        const text = Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]);
        return JSON.parse(text.toString('utf8')) as unknown;
      } catch {
        throw new Error(`The sealed credentials of ${provider} are damaged or of another provider`);
      }
    },
  };
}

const associated = (provider: string): Buffer => Buffer.from(`medusa provider ${provider}`, 'utf8');

function readKey(line: string): { id: string; key: Buffer } {
  const key = Buffer.from(line, 'base64url');
  if (key.byteLength !== 32) throw new Error('A provider key must be 32 bytes in base64url');
  return {
    key,
    id: createHash('sha256').update('medusa provider key').update(key).digest('hex').slice(0, 8),
  };
}
