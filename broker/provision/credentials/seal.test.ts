import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSeal } from './seal.ts';

const key = (): string => randomBytes(32).toString('base64url');
const credentials = { username: 'medusa', password: 'päßword' };

describe('sealed credentials', () => {
  it('come back as they were, and tell nothing', () => {
    const seal = createSeal(key());
    const sealed = seal.seal('cloud', credentials);

    expect(seal.open('cloud', sealed)).toEqual(credentials);
    expect(Buffer.from(sealed.split('.')[3] ?? '', 'base64url').toString('latin1')).not.toContain('medusa');
    expect(seal.seal('cloud', credentials)).not.toBe(sealed);
  });

  it('cannot be put in the place of another provider’s', () => {
    const seal = createSeal(key());

    expect(() => seal.open('other', seal.seal('cloud', credentials))).toThrow(
      /damaged or of another provider/,
    );
  });

  it('do not open when a single bit was changed', () => {
    const seal = createSeal(key());
    const [version, id, nonce, body = ''] = seal.seal('cloud', credentials).split('.');
    const bytes = Buffer.from(body, 'base64url');
    bytes[0] = (bytes[0] ?? 0) ^ 1;

    expect(() => seal.open('cloud', [version, id, nonce, bytes.toString('base64url')].join('.'))).toThrow(
      /damaged/,
    );
  });

  it('still open after a change of key, and only with a key that is there', () => {
    const [old, fresh] = [key(), key()];
    const sealed = createSeal(old).seal('cloud', credentials);

    expect(createSeal(`${fresh}\n${old}\n`).open('cloud', sealed)).toEqual(credentials);
    expect(() => createSeal(fresh).open('cloud', sealed)).toThrow(/a key that is not here/);
  });

  it('need a key of 32 bytes', () => {
    expect(() => createSeal('\n')).toThrow(/empty/);
    expect(() => createSeal(randomBytes(16).toString('base64url'))).toThrow(/32 bytes/);
  });
});
