import {
  properties,
  synonyms,
  things,
  verbs,
  type Argument,
  type Path,
  type Statement,
  type Verb,
} from './ast.ts';
import { tokenize, type ScriptProblem, type Token } from './tokens.ts';

type ParsedScript =
  | { readonly ok: true; readonly statements: readonly Statement[] }
  | { readonly ok: false; readonly problem: ScriptProblem };

/**
 * Reads an expression of an action: statements `node.verb(arguments)` or `node.attribute = value`, ended by `;`. Nothing is ever run
 * from it: it becomes a list of known verbs, or a problem with its place. Never throws.
 */
export function parseCordscript(expression: string): ParsedScript {
  // As many spaces as letters, so that places stay right.
  const tokens = tokenize(expression.replace(/^\s*cordscript:/, (prefix) => ' '.repeat(prefix.length)));
  if (!Array.isArray(tokens)) return { ok: false, problem: tokens };
  const reader = { tokens, at: 0 };
  const statements: Statement[] = [];
  try {
    while (take(reader, ';'));
    while (peek(reader).kind !== 'end') {
      statements.push(readStatement(reader));
      if (peek(reader).kind !== 'end') expectToken(reader, ';');
      while (take(reader, ';'));
    }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, problem: error.problem };
    throw error;
  }
  return { ok: true, statements };
}

type Reader = { readonly tokens: readonly Token[]; at: number };

class Refusal extends Error {
  readonly problem: ScriptProblem;
  constructor({ line, column }: Token, message: string) {
    super(message);
    this.problem = { line, column, message };
  }
}

function readStatement(reader: Reader): Statement {
  const first = peek(reader);
  const path = readPath(reader);
  const { line, column } = first;
  if (take(reader, '=')) {
    if (path.length < 2) throw new Refusal(first, 'Only an attribute of something can be set');
    return { kind: 'assign', target: path, value: readArgument(reader), line, column };
  }
  expectToken(reader, '(');
  const target = path.slice(0, -1);
  const verb = verbOf(first, path);
  const args: Argument[] = [];
  if (!take(reader, ')')) {
    do args.push(readArgument(reader));
    while (take(reader, ','));
    expectToken(reader, ')');
  }
  checkArguments(first, verb, args);
  return { kind: 'call', target, verb, args, line, column };
}

function readPath(reader: Reader): Path {
  const path: string[] = [];
  do path.push(expectToken(reader, 'name').value);
  while (take(reader, '.'));
  return path;
}

function readArgument(reader: Reader): Argument {
  const token = peek(reader);
  if (token.kind === 'text') return { kind: 'text', text: next(reader).value };
  if (token.kind === 'number') return { kind: 'number', number: Number(next(reader).value) };
  if (token.kind !== 'name') throw new Refusal(token, `Expected a value, found ${nameOf(token)}`);
  const path = readPath(reader);
  if (path.length < 2) throw new Refusal(token, `${path.join('')} is not a property: a text needs quotes`);
  return { kind: 'property', path };
}

function verbOf(first: Token, path: Path): Verb {
  const said = path.at(-1) ?? '';
  const verb = Object.hasOwn(synonyms, said) ? synonyms[said] : said;
  if (verb === undefined || !isVerb(verb)) throw new Refusal(first, `There is no action ${said}`);
  const why = whyNotOn(verb, path.slice(0, -1));
  if (why !== undefined) throw new Refusal(first, `${said} ${why}`);
  return verb;
}

function whyNotOn(verb: Verb, target: Path): string | undefined {
  switch (verbs[verb].on) {
    case 'nothing':
      return target.length > 0 ? 'is done to nothing' : undefined;
    case 'node':
      return target.length === 0 ? 'needs a node in front' : undefined;
    case 'thing':
      return isThingThatCan(verb, target) ? undefined : `cannot be done to ${target.join('.') || 'nothing'}`;
  }
}

function isThingThatCan(verb: Verb, [thing = '', ...more]: Path): boolean {
  return more.length === 0 && Object.hasOwn(things, thing) && (things[thing]?.includes(verb) ?? false);
}

function checkArguments(first: Token, verb: Verb, args: readonly Argument[]): void {
  const { least, most, takes } = verbs[verb];
  if (args.length < least || args.length > most)
    throw new Refusal(first, `${verb} takes ${amountOf(least, most)}, not ${args.length}`);
  const kinds: readonly string[] = takes;
  const wrong = args.find(({ kind }) => !kinds.includes(kind));
  if (wrong) throw new Refusal(first, `${verb} takes no ${wrong.kind}`);
  if (verb !== 'configure') return;
  const [told] = args;
  const property = told?.kind === 'property' ? (told.path.at(-1) ?? '') : '';
  if (!properties.includes(property))
    throw new Refusal(first, `There is no property ${property}: only ${properties.join(', ')}`);
}

function amountOf(least: number, most: number): string {
  if (most === 0) return 'no argument';
  return least === most ? `${least} argument` : `${least} to ${most} arguments`;
}

function isVerb(word: string): word is Verb {
  return Object.hasOwn(verbs, word);
}

function peek({ tokens, at }: Reader): Token {
  return tokens[at] ?? { kind: 'end', value: '', line: 1, column: 1 };
}

function next(reader: Reader): Token {
  const token = peek(reader);
  reader.at += 1;
  return token;
}

function take(reader: Reader, kind: Token['kind']): boolean {
  if (peek(reader).kind !== kind) return false;
  reader.at += 1;
  return true;
}

function expectToken(reader: Reader, kind: Token['kind']): Token {
  const token = peek(reader);
  if (token.kind !== kind)
    throw new Refusal(token, `Expected ${kind === 'name' ? 'a name' : `"${kind}"`}, found ${nameOf(token)}`);
  return next(reader);
}

function nameOf({ kind, value }: Token): string {
  return kind === 'end' ? 'the end' : `"${value.slice(0, 40)}"`;
}
