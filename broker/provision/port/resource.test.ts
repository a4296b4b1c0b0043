import { resourceKindSchema } from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameOf, tagOf } from './resource.ts';

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'.split('');
const owner = fc.string({ unit: fc.constantFrom(...letters), minLength: 8, maxLength: 8 });
const resource = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/);
const tag = fc.record({ owner, resource, incarnation: fc.integer({ min: 1, max: 999_999_999 }) });
const kind = fc.constantFrom(...resourceKindSchema.options);

describe('the name of an incarnation', () => {
  it('is a DNS label from which its tag can be read again', () => {
    fc.assert(
      fc.property(kind, tag, (of, written) => {
        const name = nameOf(of, written);
        expect(name).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
        expect(tagOf(of, name)).toEqual(written);
      }),
    );
  });

  it('is of one kind only', () => {
    const name = nameOf('machine', { owner: 'abcdefgh', resource: 'render-1', incarnation: 2 });

    expect(tagOf('volume', name)).toBeUndefined();
    expect(tagOf('machine', `x${name}`)).toBeUndefined();
  });
});
