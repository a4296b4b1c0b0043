import type { Place } from '../../xml/index.ts';

/** Names with dots between: a node, or a node within a complex node, or one of the broker's own things. */
export type Path = readonly string[];

/** A text, a number, or the value of a property (`store.hostname`). */
export type Argument =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'property'; readonly path: Path };

/** One step of an expression; its place is within the expression. Texts are never read as program text of any language. */
export type Statement = Place &
  (
    | {
        readonly kind: 'call';
        /** Empty: a function of its own, as `credit(5)`. */
        readonly target: Path;
        readonly verb: Verb;
        readonly args: readonly Argument[];
      }
    | { readonly kind: 'assign'; readonly target: Path; readonly value: Argument }
  );

type Signature = {
  /** What it is done to. */
  readonly on: 'node' | 'thing' | 'nothing';
  readonly least: number;
  readonly most: number;
  readonly takes: readonly Argument['kind'][];
};

const onNode = { on: 'node', takes: ['text'] } as const;
const plain = { ...onNode, least: 0, most: 0 } as const;

/** Everything that can be said: there is nothing else, so that a document can ask for nothing else (Cordscript 1.0, the safe part). */
export const verbs = {
  configure: { on: 'node', least: 1, most: 1, takes: ['property'] },
  /** Runs a program in the guest and waits for its end: a line for the guest's shell, or a program and its arguments. */
  system: { ...onNode, least: 1, most: 100 },
  /** Starts a program in the guest: likewise. */
  fork: { ...onNode, least: 1, most: 100 },
  kill: { ...onNode, least: 1, most: 1 },
  /** The interface of a complex node. */
  iface: { on: 'node', least: 0, most: 100, takes: ['text', 'number', 'property'] },
  start: plain,
  stop: plain,
  save: plain,
  snapshot: plain,
  monitor: { on: 'node', least: 1, most: 1, takes: ['text', 'property'] },
  consume: { on: 'thing', least: 0, most: 0, takes: [] },
  new: { on: 'thing', least: 0, most: 0, takes: [] },
  migrate: { on: 'thing', least: 0, most: 0, takes: [] },
  scaleup: { on: 'thing', least: 0, most: 0, takes: [] },
  retry: { on: 'thing', least: 0, most: 0, takes: [] },
  credit: { on: 'nothing', least: 1, most: 1, takes: ['number', 'property'] },
} as const satisfies Record<string, Signature>;

export type Verb = keyof typeof verbs;

/** Other words for the same. */
export const synonyms: Readonly<Record<string, Verb>> = { command: 'system', process: 'fork' };

/** The broker's own things, and what can be done to each. */
export const things: Readonly<Record<string, readonly Verb[]>> = {
  packet: ['consume'],
  alert: ['new'],
  session: ['migrate'],
  service: ['scaleup'],
  placement: ['retry'],
};

/** What a node can tell another: `dicomweb` and `files` are a storage node's ways to give a study. */
export const properties: readonly string[] = [
  'hostname',
  'contract',
  'reference',
  'rootpass',
  'dicomweb',
  'files',
];
