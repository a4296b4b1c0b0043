import type { Restriction } from '@medusa/protocol';

/** Why a value does not fit the facets (XML Schema Part 2 §4.3), or nothing. */
export function findFacetFault(value: string, restriction: Restriction): string | undefined {
  return (
    enumerationFault(value, restriction) ??
    patternFault(value, restriction) ??
    lengthFault(value, restriction) ??
    rangeFault(value, restriction)
  );
}

function enumerationFault(value: string, { enumeration }: Restriction): string | undefined {
  return enumeration.length === 0 || enumeration.includes(value)
    ? undefined
    : `is none of ${enumeration.join(', ')}`;
}

/** The pattern is a stranger's: only what cannot take for ever is tried, anything else fits nothing. */
function patternFault(value: string, { pattern }: Restriction): string | undefined {
  if (pattern === undefined) return undefined;
  if (
    !/^(?:[\w .:@-]|\[[\w .:@-]+\][+*?]?|\{\d{1,3}(?:,\d{0,3})?\}|\\[.dws-][+*?]?|\.[+*?]?)+$/.test(pattern)
  )
    return `cannot be checked against the pattern ${pattern}`;
  if ((pattern.match(/[+*]|,\}/g)?.length ?? 0) > 3)
    return `cannot be checked against the pattern ${pattern}`;
  return isMatch(value, pattern) ? undefined : `does not match ${pattern}`;
}

function isMatch(value: string, pattern: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, 'u').test(value.slice(0, 300));
  } catch {
    return false;
  }
}

function lengthFault(
  value: string,
  { minLength = 0, maxLength = Infinity }: Restriction,
): string | undefined {
  const length = Array.from(value).length;
  if (length < minLength) return `is shorter than ${minLength}`;
  return length > maxLength ? `is longer than ${maxLength}` : undefined;
}

const integers = ['integer', 'int', 'long', 'positiveInteger', 'nonNegativeInteger'];
const decimals = ['decimal', 'double', 'float'];
const bounds = [
  ['minInclusive', 'is less than', (value: number, bound: number) => value >= bound],
  ['maxInclusive', 'is more than', (value: number, bound: number) => value <= bound],
  ['minExclusive', 'is not more than', (value: number, bound: number) => value > bound],
  ['maxExclusive', 'is not less than', (value: number, bound: number) => value < bound],
] as const;

function rangeFault(value: string, restriction: Restriction): string | undefined {
  const { base = '' } = restriction;
  const given = bounds.filter(([facet]) => restriction[facet] !== undefined);
  if (given.length === 0 && !integers.includes(base) && !decimals.includes(base)) return undefined;
  const isWhole = integers.includes(base);
  if (!(isWhole ? /^[+-]?\d+$/ : /^[+-]?\d+(\.\d+)?$/).test(value))
    return `is no ${isWhole ? 'whole ' : ''}number`;
  const number = Number(value);
  const broken = given.find(([facet, , fits]) => !fits(number, Number(restriction[facet])));
  return broken && [broken[1], restriction[broken[0]]].join(' ');
}
