import type { Manifest, ManifestSection } from '@medusa/protocol';
import type { Statement } from './ast.ts';
import { parseCordscript } from './parse.ts';

export type SectionName = 'configuration' | 'release' | 'interface';

/** A statement of an action. */
export type Step = {
  readonly section: SectionName;
  /** Of the action in the manifest (RFC 6901). */
  readonly pointer: string;
  readonly statement: Statement;
};

export type StepProblem = { readonly pointer: string; readonly message: string };

const sections: readonly SectionName[] = ['configuration', 'release', 'interface'];

/** Everything that the actions of a manifest say, in the order of the document, and what of it cannot be read. */
export function stepsOf(manifest: Manifest): {
  readonly steps: readonly Step[];
  readonly problems: readonly StepProblem[];
} {
  const steps: Step[] = [];
  const problems: StepProblem[] = [];
  const known = new Set(manifest.nodes.map(({ name }) => name));
  for (const section of sections)
    for (const { pointer, expression } of actionsOf(section, manifest[section])) {
      const parsed = parseCordscript(expression);
      if (!parsed.ok) {
        const { line, column, message } = parsed.problem;
        problems.push({ pointer, message: `Line ${line}, column ${column} of the expression: ${message}` });
        continue;
      }
      for (const statement of parsed.statements) {
        for (const name of nodesIn(statement).filter((node) => !known.has(node)))
          problems.push({ pointer, message: `There is no node ${name}` });
        steps.push({ section, pointer, statement });
      }
    }
  return { steps, problems };
}

function actionsOf(
  name: SectionName,
  section: ManifestSection | undefined,
): { pointer: string; expression: string }[] {
  return (section?.actions ?? []).flatMap(({ type, expression }, index) =>
    type === 'cordscript' && expression !== undefined
      ? [{ pointer: `/${name}/actions/${index}`, expression }]
      : [],
  );
}

const own: readonly string[] = ['packet', 'alert', 'session', 'service', 'placement', 'sla', 'plan'];

/** The node that does it, then those that it needs something of; the broker's own things are none. */
export function nodesIn(statement: Statement): string[] {
  const args = statement.kind === 'call' ? statement.args : [statement.value];
  const paths = [
    statement.target,
    ...args.flatMap((argument) => (argument.kind === 'property' ? [argument.path] : [])),
  ];
  return paths.flatMap(([first]) => (first === undefined || own.includes(first) ? [] : [first]));
}
