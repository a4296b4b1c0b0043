import type { DeploymentInstruction, ResourceId } from '@medusa/protocol';
import type { Argument, Statement, Step } from './cordscript/index.ts';

/** A node in its place in a deployment. */
export type PlacedNode = {
  /** With dots, from the outermost manifest. */
  readonly path: string;
  /** Nothing: a complex node. */
  readonly machine: ResourceId | undefined;
  /** Of a complex node, by name. */
  readonly inner: ReadonlyMap<string, PlacedNode>;
};

/** What has been told so far. */
export type Bench = { count: number; readonly last: Map<PlacedNode, string> };

/**
 * Instructions of one node's steps. Each waits for the machine of its node and the instruction before, and for all of the nodes whose
 * properties it is given.
 */
export function instruct(
  bench: Bench,
  { steps, placed }: { steps: readonly Step[]; placed: ReadonlyMap<string, PlacedNode> },
): { instructions: DeploymentInstruction[]; problems: string[] } {
  const instructions: DeploymentInstruction[] = [];
  const problems: string[] = [];
  for (const { section, statement } of steps) {
    const path = targetOf(statement);
    const target = find(placed, path);
    if (!target) {
      problems.push(`There is no node ${path.join('.')}`);
      continue;
    }
    const sources = argumentsOf(statement).flatMap((argument) => {
      if (argument.kind !== 'property' || !placed.has(argument.path[0] ?? '')) return [];
      const source = find(placed, argument.path.slice(0, -1));
      if (!source) problems.push(`There is no node ${argument.path.slice(0, -1).join('.')}`);
      return source ?? [];
    });
    bench.count += 1;
    const id = `${section}-${bench.count}`;
    const waitsFor = [...new Set([target, ...sources].flatMap((node) => doneOf(bench, node)))];
    instructions.push({
      id,
      node: target.path,
      section,
      verb: statement.kind === 'call' ? statement.verb : 'assign',
      arguments: argumentsOf(statement).map((argument) => told(placed, argument)),
      waitsFor,
    });
    bench.last.set(target, id);
  }
  return { instructions, problems };
}

function targetOf({ kind, target }: Statement): readonly string[] {
  return kind === 'assign' ? target.slice(0, -1) : target;
}

function argumentsOf(statement: Statement): readonly Argument[] {
  if (statement.kind === 'call') return statement.args;
  return [{ kind: 'text', text: statement.target.at(-1) ?? '' }, statement.value];
}

function told(
  placed: ReadonlyMap<string, PlacedNode>,
  argument: Argument,
): DeploymentInstruction['arguments'][number] {
  if (argument.kind !== 'property') return argument;
  const { path } = argument;
  const source = find(placed, path.slice(0, -1));
  // What is no node's is the broker's own, as `sla.frame_latency`.
  return source
    ? { kind: 'property', node: source.path, property: path.at(-1) ?? '' }
    : { kind: 'property', node: '', property: path.join('.') };
}

function find(
  placed: ReadonlyMap<string, PlacedNode>,
  [first = '', ...rest]: readonly string[],
): PlacedNode | undefined {
  const node = placed.get(first);
  return node && rest.length > 0 ? find(node.inner, rest) : node;
}

/** What must be there and done before something can be had of a node. */
function doneOf(bench: Bench, node: PlacedNode): string[] {
  const inner = [...node.inner.values()].flatMap((child) => doneOf(bench, child));
  return [...inner, node.machine, bench.last.get(node)].filter((id) => id !== undefined);
}
