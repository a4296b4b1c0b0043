import type { Manifest } from '@medusa/protocol';
import { nodesIn, stepsOf, type Step } from './steps.ts';

type Order =
  | { readonly ok: true; readonly order: readonly string[] }
  /** `cycle`: each needs the next one, the last one is the first again. */
  | { readonly ok: false; readonly cycle: readonly string[] };

/** Which nodes each node needs something of: `a.configure(b.hostname)` means that a needs b. */
function needsOf(nodes: readonly string[], steps: readonly Step[]): ReadonlyMap<string, ReadonlySet<string>> {
  const needs = new Map(nodes.map((name) => [name, new Set<string>()]));
  for (const { section, statement } of steps) {
    if (section === 'release') continue;
    const [node = '', ...others] = nodesIn(statement);
    for (const other of others) if (other !== node && needs.has(other)) needs.get(node)?.add(other);
  }
  return needs;
}

/** The nodes in the order in which they are made: each after those that it needs, otherwise as in the document. Release goes the other way. */
export function orderNodes(manifest: Manifest): Order {
  const names = manifest.nodes.map(({ name }) => name);
  return sortByNeed(names, needsOf(names, stepsOf(manifest).steps));
}

/** Depth first, without recursion: what a stranger sends may be one long chain. */
export function sortByNeed(names: readonly string[], needs: ReadonlyMap<string, ReadonlySet<string>>): Order {
  const order: string[] = [];
  const done = new Set<string>();
  for (const name of names) {
    const path: string[] = [name];
    while (path.length > 0) {
      const current = path.at(-1) ?? '';
      const missing = [...(needs.get(current) ?? [])].find((need) => !done.has(need));
      if (missing === undefined) {
        path.pop();
        if (!done.has(current)) order.push(current);
        done.add(current);
        continue;
      }
      const before = path.indexOf(missing);
      if (before >= 0) return { ok: false, cycle: [...path.slice(before), missing] };
      path.push(missing);
    }
  }
  return { ok: true, order };
}
