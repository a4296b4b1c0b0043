import { formOf } from '../../../core/document.ts';
import { jsonPlaces } from './json-places.ts';
import { jsonSyntaxFault } from './json-syntax.ts';

/** What somebody found wrong with a document; lines and columns count from 1. */
export type DocumentProblem = {
  readonly severity: 'error' | 'warning';
  readonly pointer: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
};

/** UTF-16 units from the beginning; beyond a line's end is its end, beyond the last line is the end of all. */
export function offsetOf(text: string, { line, column }: { line: number; column: number }): number {
  let start = 0;
  for (let passed = 1; passed < line; passed += 1) {
    const next = text.indexOf('\n', start);
    if (next < 0) return text.length;
    start = next + 1;
  }
  const end = text.indexOf('\n', start);
  return Math.min(start + Math.max(0, column - 1), end < 0 ? text.length : end);
}

export function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, Math.max(0, offset));
  return { line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') };
}

/** Why this cannot even be sent as JSON, if so. XML is read by the broker, which tells where it is wrong. */
export function syntaxProblem(text: string): DocumentProblem | undefined {
  if (formOf(text) !== 'json') return undefined;
  const fault = jsonSyntaxFault(text);
  if (!fault) return undefined;
  const { offset, message } = fault;
  return { severity: 'error', pointer: '', ...placeOf(text, offset), message };
}

/**
 * Gives places to problems that have none: in JSON by their pointer (RFC 6901) or the nearest part around it; and what is told of a term
 * is where its name stands.
 */
export function located(text: string, problems: readonly DocumentProblem[]): readonly DocumentProblem[] {
  if (problems.every(({ line }) => line !== null)) return problems;
  const places = formOf(text) === 'json' ? jsonPlaces(text) : new Map<string, number>();
  return problems.map((problem) => {
    if (problem.line !== null) return problem;
    const offset = nearest(places, problem.pointer) ?? nameIn(text, problem.pointer);
    return offset === undefined ? problem : { ...problem, ...placeOf(text, offset) };
  });
}

function nearest(places: ReadonlyMap<string, number>, pointer: string): number | undefined {
  if (!pointer.startsWith('/')) return undefined;
  for (let part = pointer; part !== ''; part = part.slice(0, part.lastIndexOf('/'))) {
    const offset = places.get(part);
    if (offset !== undefined) return offset;
  }
  return places.get('');
}

/** Where a thing of this name is named, as an attribute or a member. */
function nameIn(text: string, name: string): number | undefined {
  if (name === '') return undefined;
  const literal = name.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const found = new RegExp(String.raw`\bname"?\s*[=:]\s*["']${literal}["']`, 'i').exec(text);
  return found?.index;
}
