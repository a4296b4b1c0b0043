import type { KindOfObject } from '../index/retrieval.ts';
import { mostContexts, type ProposedContext } from './associate.ts';
import type { AcceptedContext } from './operation.ts';

/** One context for each pair, so that what is stored is what is agreed on. */
export function proposedFor(kinds: readonly KindOfObject[]): ProposedContext[] {
  return kinds.map(({ sopClassUID, transferSyntaxUID }, index) => ({
    id: index * 2 + 1,
    abstractSyntax: sopClassUID,
    transferSyntaxes: [transferSyntaxUID],
  }));
}

export function inGroups<Value>(values: readonly Value[]): Value[][] {
  const groups: Value[][] = [];
  for (let at = 0; at < values.length; at += mostContexts) groups.push(values.slice(at, at + mostContexts));
  return groups;
}

export function keyOf({ sopClassUID, transferSyntaxUID }: KindOfObject): string {
  return `${sopClassUID} ${transferSyntaxUID}`;
}

export function contextFor(
  contexts: readonly AcceptedContext[],
  { sopClassUID, transferSyntaxUID }: KindOfObject,
): number | undefined {
  return contexts.find(
    ({ abstractSyntax, transferSyntax }) =>
      abstractSyntax === sopClassUID && transferSyntax === transferSyntaxUID,
  )?.id;
}
