import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { filledIn, initialOf, shapeOf, variantOf, type Shape } from './schema-form.ts';

const schema = (type: z.ZodType): unknown => z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' });
const shape = (type: z.ZodType, isSecret = false): Shape => shapeOf(schema(type), isSecret);

describe('the form of a schema', () => {
  it('has a fitting field for each property, with its words, limits and what is needed', () => {
    const made = shape(
      z.strictObject({
        url: z.url().describe('Where it answers'),
        userDomainName: z.string().default('Default'),
        visibleAfterMs: z.int().min(0),
        verifyTls: z.boolean().default(true),
        interface: z.enum(['public', 'internal']),
        regions: z.array(z.string()).optional(),
        ca: z.string().optional(),
        project: z.string().nullable(),
        hosts: z.array(z.strictObject({ address: z.string() })),
        extra: z.record(z.string(), z.unknown()).optional(),
      }),
    );

    expect(made).toMatchObject({
      kind: 'object',
      fields: [
        { name: 'url', label: 'URL', help: 'Where it answers', isRequired: true, shape: { kind: 'text' } },
        { label: 'User domain name', isRequired: false, initial: 'Default' },
        { name: 'visibleAfterMs', shape: { kind: 'number', limits: { min: 0 } } },
        { name: 'verifyTls', initial: true, shape: { kind: 'flag' } },
        { name: 'interface', shape: { kind: 'choice', options: ['public', 'internal'] } },
        { name: 'regions', shape: { kind: 'words' } },
        { name: 'ca', shape: { kind: 'text', isLong: true } },
        { name: 'project', shape: { kind: 'text', isSecret: false } },
        { name: 'hosts', shape: { kind: 'items', item: { fields: [{ name: 'address' }] } } },
        { name: 'extra', shape: { kind: 'json' } },
      ],
    });
    expect(initialOf(made)).toEqual({ userDomainName: 'Default', verifyTls: true });
  });

  it('hides every text of the credentials, keys of many lines too', () => {
    expect(shape(z.strictObject({ password: z.string(), privateKey: z.string() }), true)).toMatchObject({
      fields: [
        { shape: { kind: 'text', isSecret: true, isLong: false } },
        { shape: { kind: 'text', isSecret: true, isLong: true } },
      ],
    });
  });

  it('lets one choose between variants, and finds the one that is filled in', () => {
    const made = shape(
      z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('password'), user: z.string() }),
        z.strictObject({ kind: z.literal('application'), id: z.string() }),
      ]),
    );
    if (made.kind !== 'variants') throw new Error(made.kind);

    expect(made.variants.map(({ label }) => label)).toEqual(['password', 'application']);
    expect(initialOf(made)).toEqual({ kind: 'password' });
    expect(variantOf(made.variants, { kind: 'application' })).toBe(1);
    expect(variantOf(made.variants, {})).toBe(0);
  });

  it('falls back to JSON for what it does not know', () => {
    expect(shapeOf({ $ref: '#/x' }, false)).toEqual({ kind: 'json', isSecret: false });
    expect(shapeOf(7, true)).toEqual({ kind: 'json', isSecret: true });
  });
});

it('leaves out what was left empty, and tells when nothing was filled in', () => {
  expect(filledIn({ a: '', b: { c: '' }, d: [], e: false, f: 0, g: ['x', ''] })).toEqual({
    e: false,
    f: 0,
    g: ['x'],
  });
  expect(filledIn({ a: '', b: { c: '' } })).toBeUndefined();
});
