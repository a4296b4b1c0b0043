import { statistics, type Expression, type Operand, type Operator } from './expression.ts';
import { tokenize, type Token } from './tokens.ts';

export type ParsedExpression =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly column: number; readonly message: string };

const mostCharacters = 4_000;
const mostDepth = 40;

/**
 * Reads a condition: `x LT 0.9`, `p95(x) <= 2`, `x BETWEEN (a, b)`, `x IN ('a', 'b')`, `ratio(x LE 2) GE 95%`, with AND, OR, NOT and
 * brackets. Words of the language are in any case. Never throws; `column` counts from 1.
 */
export function parseExpression(source: string): ParsedExpression {
  if (source.length > mostCharacters)
    return { ok: false, column: 1, message: `Longer than ${mostCharacters} characters` };
  const tokens = tokenize(source);
  if ('unreadableAt' in tokens)
    return { ok: false, column: tokens.unreadableAt + 1, message: 'Not a word of a condition' };
  const reader = new Reader(tokens);
  try {
    const expression = readOr(reader, 0);
    if (reader.next.kind !== 'end') reader.refuse(`"${reader.next.value}" was not expected`);
    return { ok: true, expression };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, column: error.at + 1, message: error.message };
    throw error;
  }
}

class Refusal extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** Where the reading stands. */
class Reader {
  readonly #tokens: readonly Token[];
  #position = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get next(): Token {
    return this.#tokens[this.#position] ?? { kind: 'end', value: '', at: 0 };
  }

  take(): Token {
    const token = this.next;
    this.#position += 1;
    return token;
  }

  /** True when one of these comes, which is then taken. */
  takes(...values: readonly string[]): boolean {
    const { kind, value } = this.next;
    const isIt = (kind === 'word' || kind === 'sign') && values.includes(value.toUpperCase());
    if (isIt) this.#position += 1;
    return isIt;
  }

  must(value: string): void {
    if (!this.takes(value)) this.refuse(`"${value}" was expected`);
  }

  refuse(message: string): never {
    throw new Refusal(message, this.next.at);
  }
}

function readOr(reader: Reader, depth: number): Expression {
  if (depth > mostDepth) reader.refuse(`Deeper than ${mostDepth} levels`);
  return chain('or', reader, () => chain('and', reader, () => readNot(reader, depth)));
}

const joints = { or: ['OR', '||'], and: ['AND', '&&'] } as const;

function chain(kind: 'and' | 'or', reader: Reader, part: () => Expression): Expression {
  const first = part();
  const parts = [first];
  while (reader.takes(...joints[kind])) parts.push(part());
  return parts.length === 1 ? first : { kind, parts };
}

function readNot(reader: Reader, depth: number): Expression {
  if (depth > mostDepth) reader.refuse(`Deeper than ${mostDepth} levels`);
  if (reader.takes('NOT', '!')) return { kind: 'not', part: readNot(reader, depth + 1) };
  if (!reader.takes('(')) return readComparison(reader, depth);
  const inner = readOr(reader, depth + 1);
  reader.must(')');
  return inner;
}

const spellings: Readonly<Record<string, Operator>> = {
  ...{ LT: 'LT', LE: 'LE', GT: 'GT', GE: 'GE', EQ: 'EQ', NE: 'NE' },
  ...{ '<': 'LT', '<=': 'LE', '>': 'GT', '>=': 'GE', '=': 'EQ', '==': 'EQ', '!=': 'NE', '<>': 'NE' },
};

function readComparison(reader: Reader, depth: number): Expression {
  const left = readOperand(reader, depth);
  if (reader.takes('BETWEEN')) return readBetween(reader, left);
  if (reader.takes('IN')) return { kind: 'in', operand: left, values: readValues(reader) };
  const operator = Object.hasOwn(spellings, reader.next.value.toUpperCase())
    ? spellings[reader.next.value.toUpperCase()]
    : undefined;
  if (!operator || reader.next.kind === 'text')
    return reader.refuse('A comparison was expected, as LT or BETWEEN');
  reader.take();
  return { kind: 'compare', operator, left, right: readOperand(reader, depth) };
}

function readBetween(reader: Reader, operand: Operand): Expression {
  const [low, high, ...more] = readValues(reader);
  if (typeof low !== 'number' || typeof high !== 'number' || more.length > 0)
    return reader.refuse('BETWEEN takes two numbers');
  return { kind: 'between', operand, low, high };
}

function readValues(reader: Reader): readonly (number | string)[] {
  reader.must('(');
  const values: (number | string)[] = [];
  do {
    const { kind, value } = reader.next;
    if (kind !== 'number' && kind !== 'text' && kind !== 'word') reader.refuse('A value was expected');
    reader.take();
    values.push(kind === 'number' ? numberOf(value) : unquoted(value));
  } while (reader.takes(','));
  reader.must(')');
  return values;
}

function readOperand(reader: Reader, depth: number): Operand {
  const { kind, value } = reader.next;
  if (kind === 'number') return { kind, value: numberOf(reader.take().value) };
  if (kind === 'text') return { kind, value: unquoted(reader.take().value) };
  if (kind !== 'word') return reader.refuse('A number, a text or a name was expected');
  reader.take();
  return reader.takes('(') ? readCall(reader, value, depth) : { kind: 'name', name: value };
}

function readCall(reader: Reader, word: string, depth: number): Operand {
  const called = word.toLowerCase();
  if (called === 'ratio') {
    const of = readOr(reader, depth + 1);
    reader.must(')');
    return { kind: 'ratio', of };
  }
  const { kind, value: of } = reader.next;
  if (kind !== 'word') reader.refuse('The name of an indicator was expected');
  reader.take();
  reader.must(')');
  const statistic = statistics.find((candidate) => candidate === called);
  if (statistic) return { kind: 'statistic', statistic, of };
  const percent = Number(/^p(\d{1,3}(?:\.\d{1,4})?)$/.exec(called)?.[1] ?? NaN);
  if (percent > 0 && percent <= 100) return { kind: 'percentile', percent, of };
  return reader.refuse(`There is no ${word}(): p1 to p100, ${statistics.join(', ')}, ratio`);
}

/** A percentage moves the decimal point, so that 99.9% is the very number 0.999. */
function numberOf(value: string): number {
  if (!value.endsWith('%')) return Number(value);
  const [digits = '', exponent = '0'] = value.slice(0, -1).toLowerCase().split('e');
  return Number(`${digits}e${Number(exponent) - 2}`);
}

function unquoted(value: string): string {
  return /^['"]/.test(value) ? value.slice(1, -1) : value;
}
