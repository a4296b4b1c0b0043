import { manifestSchema, type Manifest } from '@medusa/protocol';
import fc from 'fast-check';
import { z } from 'zod';

/** Manifests of every kind that the schema allows: each part of the model occurs, so that nothing can forget one. */
export const anyManifest: fc.Arbitrary<Manifest> = (anyOf(manifestSchema) as fc.Arbitrary<Manifest>).map(
  (manifest): Manifest => ({
    ...manifest,
    nodes: manifest.nodes.map((node, index) => ({ ...node, name: `${node.name.slice(0, 90)}-${index}` })),
  }),
);

function anyOf(type: z.core.$ZodType): fc.Arbitrary<unknown> {
  if (type instanceof z.ZodOptional) return fc.option(anyOf(type.unwrap()), { nil: undefined });
  if (type instanceof z.ZodDefault) return anyOf(type.unwrap());
  if (type instanceof z.ZodArray) return fc.array(anyOf(type.element), { maxLength: 2 });
  if (type instanceof z.ZodEnum) return fc.constantFrom(...type.options);
  if (type instanceof z.ZodUnion) return fc.constantFrom('10.0.0.0/8', '2001:db8::/32');
  if (type instanceof z.ZodNumber) return numbers(type);
  if (type instanceof z.ZodString) return texts(type);
  if (type instanceof z.ZodObject)
    return fc
      .record(
        Object.fromEntries(
          Object.entries(type.shape).map(([key, inner]) => [key, anyOf(inner as z.ZodType)]),
        ),
      )
      .map((value) => Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)));
  throw new Error(`The generator knows no ${type._zod.def.type}`);
}

function numbers(type: z.ZodNumber): fc.Arbitrary<number> {
  const [min, max] = [type.minValue ?? -1e9, type.maxValue ?? 1e9];
  if (type.format === 'safeint') return fc.integer({ min: Math.max(min, -1e9), max: Math.min(max, 1e9) });
  return fc.oneof(
    fc.double({ min, max, noNaN: true }),
    fc.integer({ min: Math.ceil(min), max: Math.min(max, 1e9) }),
  );
}

function texts(type: z.ZodString): fc.Arbitrary<string> {
  return fc
    .oneof(fc.stringMatching(/^[a-z][a-z0-9:_-]{0,8}$/), fc.string({ unit: 'grapheme', maxLength: 30 }))
    .filter((text) => type.safeParse(text).data === text);
}
