import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  evaluateExpression,
  namesIn,
  parseExpression,
  printExpression,
  type Expression,
  type Known,
} from './index.ts';

function parsed(source: string): Expression {
  const read = parseExpression(source);
  if (!read.ok) throw new Error(`${source}: ${read.message} at ${read.column}`);
  return read.expression;
}

const truth = (source: string, facts: Readonly<Record<string, Known>> = {}): unknown =>
  evaluateExpression(parsed(source), (operand) =>
    operand.kind === 'name' ? facts[operand.name] : undefined,
  );

describe('parseExpression', () => {
  it.each([
    ['x LT 0.9', 'x LT 0.9'],
    ['x<0.9', 'x LT 0.9'],
    ['response-time between (0.05, 1)', 'response-time BETWEEN (0.05, 1)'],
    ['p99.9(frame.latency.ms) <= 80 and mean(x) >= 1e3', 'p99.9(frame.latency.ms) LE 80 AND mean(x) GE 1000'],
    ['ratio(session.start.seconds LE 2) GE 99.9%', 'ratio(session.start.seconds LE 2) GE 0.999'],
    [
      "NOT a = 1 OR (b <> \"it's\" AND c IN (x, 'y', 3))",
      "NOT (a EQ 1) OR (b NE \"it's\" AND c IN ('x', 'y', 3))",
    ],
  ])('reads %s', (source, canonical) => {
    expect(printExpression(parsed(source))).toBe(canonical);
  });

  it.each([
    ['', 1, 'expected'],
    ['x LT', 5, 'expected'],
    ['x LT 1 y', 8, 'not expected'],
    ['x ; drop', 2, 'Not a word'],
    ['x BETWEEN (1)', 14, 'two numbers'],
    ['p0(x) LT 1', 7, 'There is no'],
    ['constructor toString 1', 13, 'comparison'],
    [`${'('.repeat(60)}x LT 1`, 42, 'Deeper'],
    ['x LT '.repeat(1_000), 1, 'Longer'],
  ])('points at what is wrong in %s', (source, column, message) => {
    expect(parseExpression(source)).toMatchObject({
      ok: false,
      column,
      message: expect.stringContaining(message) as string,
    });
  });

  it('never throws, whatever it is given', () => {
    const words = fc.constantFrom(
      'x',
      'LT',
      '(',
      ')',
      'AND',
      'NOT',
      '1',
      ',',
      'BETWEEN',
      'IN',
      'ratio(',
      'p95(',
      "'a'",
      '%',
    );
    const nearly = fc.array(words, { maxLength: 40 }).map((parts) => parts.join(' '));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), nearly), (source) => void parseExpression(source)),
    );
  });

  it('reads back what it prints', () => {
    fc.assert(
      fc.property(expressions, (expression) => {
        expect(parsed(printExpression(expression))).toEqual(expression);
      }),
    );
  });
});

const numbers = fc
  .double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 })
  .map((value) => value + 0);
const names = fc.constantFrom('x', 'session.start.seconds', 'lan.mbps', 'device-tier');
const texts = fc.stringMatching(/^[a-z ']{0,8}$/);
const expressions = fc.letrec<{ expression: Expression }>((tie) => {
  const operand = fc.oneof(
    fc.record({ kind: fc.constant('number' as const), value: numbers }),
    fc.record({ kind: fc.constant('text' as const), value: texts }),
    fc.record({ kind: fc.constant('name' as const), name: names }),
    fc.record({
      kind: fc.constant('statistic' as const),
      statistic: fc.constantFrom('mean' as const, 'count' as const),
      of: names,
    }),
    fc.record({
      kind: fc.constant('percentile' as const),
      percent: fc.constantFrom(50, 95, 99.9, 100),
      of: names,
    }),
    fc.record({ kind: fc.constant('ratio' as const), of: tie('expression') }),
  );
  const operator = fc.constantFrom('LT' as const, 'GE' as const, 'NE' as const);
  const parts = fc.array(tie('expression'), { minLength: 2, maxLength: 3 });
  return {
    expression: fc.oneof(
      { maxDepth: 4 },
      fc.record({ kind: fc.constant('compare' as const), operator, left: operand, right: operand }),
      fc.record({ kind: fc.constant('between' as const), operand, low: numbers, high: numbers }),
      fc.record({
        kind: fc.constant('in' as const),
        operand,
        values: fc.array(fc.oneof(numbers, texts), { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), parts }),
      fc.record({ kind: fc.constant('not' as const), part: tie('expression') }),
    ),
  };
}).expression;

describe('evaluateExpression', () => {
  it('says unknown when what is missing decides, and not otherwise', () => {
    const facts = { lan: { value: 1000 }, tier: { value: 'production' } };
    expect(truth('lan GE 100', facts)).toBe(true);
    expect(truth('rtt LT 10', facts)).toBeUndefined();
    expect(truth('rtt LT 10 OR lan GE 100', facts)).toBe(true);
    expect(truth('rtt LT 10 AND lan LT 100', facts)).toBe(false);
    expect(truth('NOT rtt LT 10', facts)).toBeUndefined();
    expect(truth("tier IN ('production', 'demo')", facts)).toBe(true);
    expect(truth("tier EQ 'demo'", facts)).toBe(false);
    expect(truth('tier LT 3', facts)).toBeUndefined();
  });

  it('calls a figure false only when its bounds leave no doubt', () => {
    const figure = (value: number, low: number, high: number): Record<string, Known> => ({
      x: { value, low, high },
    });
    expect(truth('x GE 0.95', figure(0.96, 0.9, 0.99))).toBe(true);
    expect(truth('x GE 0.95', figure(0.94, 0.9, 0.97))).toBeUndefined();
    expect(truth('x GE 0.95', figure(0.9, 0.85, 0.94))).toBe(false);
    expect(truth('x BETWEEN (1, 2)', figure(3, 1.5, 4))).toBeUndefined();
    expect(truth('x EQ 1', figure(0.9, 0.8, 1.2))).toBeUndefined();
  });
});

describe('namesIn', () => {
  it('finds names within statistics and ratios', () => {
    expect([
      ...namesIn(parsed('ratio(a LT 1 AND b GT 2) GE 0.9 OR NOT p95(c) IN (1) AND d BETWEEN (1, 2)')),
    ]).toEqual(['a', 'b', 'c', 'd']);
  });
});
