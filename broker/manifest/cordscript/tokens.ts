import type { Place } from '../../xml/index.ts';

export type Token = Place & {
  readonly kind: 'name' | 'text' | 'number' | '.' | '(' | ')' | ',' | ';' | '=' | 'end';
  /** Of a text: without its quotes and backslashes. */
  readonly value: string;
};

/** What is wrong with an expression, and where in it. */
export type ScriptProblem = Place & { readonly message: string };

const blank = /\s+/y;
const patterns: readonly (readonly [Token['kind'], RegExp])[] = [
  ['number', /[+-]?\d+(?:\.\d+)?(?![\w.])/y],
  // Names of nodes as documents have them: `accords:publisher`, `small-machine`.
  ['name', /[A-Za-z_][\w:-]*/y],
  ['text', /'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"/y],
];
const marks: readonly string[] = ['.', '(', ')', ',', ';', '='] satisfies Token['kind'][];

/** Cuts an expression into words; ends with an `end`. */
export function tokenize(source: string): Token[] | ScriptProblem {
  const tokens: Token[] = [];
  const starts = lineStarts(source);
  let at = 0;
  for (;;) {
    at += matchAt(blank, source, at)?.length ?? 0;
    const place = placeOf(starts, at);
    if (at >= source.length) return [...tokens, { kind: 'end', value: '', ...place }];
    const token = tokenAt(source, at);
    if (!token) return { ...place, message: whyNot(source, at) };
    tokens.push({ kind: token.kind, value: token.value, ...place });
    at += token.length;
  }
}

function tokenAt(
  source: string,
  at: number,
): { kind: Token['kind']; value: string; length: number } | undefined {
  const mark = source.charAt(at);
  if (marks.includes(mark)) return { kind: mark as Token['kind'], value: mark, length: 1 };
  for (const [kind, pattern] of patterns) {
    const found = matchAt(pattern, source, at);
    if (found !== undefined)
      return { kind, value: kind === 'text' ? unquote(found) : found, length: found.length };
  }
  return undefined;
}

function matchAt(pattern: RegExp, source: string, at: number): string | undefined {
  // A sticky expression keeps where it looked last: this one is set anew each time.
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
}

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\([^])/g, '$1');
}

function whyNot(source: string, at: number): string {
  const character = String.fromCodePoint(source.codePointAt(at) ?? 0);
  return character === "'" || character === '"'
    ? 'This text has no end'
    : `"${character}" means nothing here`;
}

function lineStarts(source: string): number[] {
  return [0, ...Array.from(source.matchAll(/\n/g), ({ index }) => index + 1)];
}

function placeOf(starts: readonly number[], at: number): Place {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: at - (starts[low] ?? 0) + 1 };
}
