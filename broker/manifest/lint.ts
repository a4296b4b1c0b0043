import type { Manifest, ManifestFinding, ManifestNode } from '@medusa/protocol';
import { stepsOf, type Step } from './cordscript/index.ts';
import { whyInteractive } from './interactive.ts';

/**
 * What keeps an application from being deployed by itself: a part that is missing (base system, dependencies, configuration, pre-start
 * rules, security rules, account owner, termination rules), or a step that would wait for a person. Nothing found = it can.
 */
export function lintManifest(manifest: Manifest): ManifestFinding[] {
  const { steps } = stepsOf(manifest);
  return [
    ...manifest.nodes.flatMap((node, index) => lintSoftware(node, index)),
    ...lintSections(manifest),
    ...lintSecurity(manifest),
    ...lintAccount(manifest),
    ...lintCommands(manifest, steps),
    ...lintSecrets(steps),
  ];
}

function lintSoftware({ name, type, image }: ManifestNode, index: number): ManifestFinding[] {
  // A complex node's software is in its own manifest.
  if (type !== 'simple' || isElsewhere(image)) return [];
  const pointer = `/nodes/${index}`;
  const hasSystem = (image?.system?.name ?? image?.system?.distribution) !== undefined;
  return [
    ...when(!hasSystem, {
      section: 'base-system',
      pointer,
      message: `${name} has no base system: its image needs a system`,
    }),
    ...when((image?.packages.length ?? 0) === 0, {
      section: 'dependencies',
      pointer,
      message: `${name} names no package that it depends on`,
    }),
  ];
}

/** Only a name: it was parsed before. */
function isElsewhere(image: ManifestNode['image']): boolean {
  return image?.name !== undefined && image.system === undefined && image.packages.length === 0;
}

const sections = [
  [
    'configuration',
    'configuration',
    'Nothing says how the nodes are configured: there is no configuration action',
  ],
  ['interface', 'pre-start', 'Nothing says what comes before a start: there is no interface action'],
  ['release', 'termination', 'Nothing says how it ends: there is no release action'],
] as const;

function lintSections(manifest: Manifest): ManifestFinding[] {
  return sections.flatMap(([key, section, message]) => {
    const actions = manifest[key]?.actions ?? [];
    const says = actions.some(({ expression }) => expression !== undefined);
    return when(!says, { section, pointer: manifest[key] ? `/${key}` : '', message });
  });
}

function lintSecurity({ security, nodes }: Manifest): ManifestFinding[] {
  const isOpen = nodes.some(
    ({ type, infrastructure }) => type === 'simple' && infrastructure?.network?.ports.length === 0,
  );
  return [
    ...when(security?.level === undefined && security?.name === undefined, {
      section: 'security',
      pointer: '',
      message: 'There are no security rules: a security element with a level is missing',
    }),
    ...when(isOpen, {
      section: 'security',
      pointer: '/nodes',
      message: 'A network has no ports: nothing says who may reach its node',
    }),
  ];
}

function lintAccount({ account }: Manifest): ManifestFinding[] {
  const hasOwner = account?.name !== undefined || (account?.users.length ?? 0) > 0;
  return when(!hasOwner, {
    section: 'account',
    pointer: account ? '/account' : '',
    message: 'Nobody owns it: an account is missing',
  });
}

type Command = { readonly pointer: string; readonly text: string };

function lintCommands(manifest: Manifest, steps: readonly Step[]): ManifestFinding[] {
  return [...commandsOfPackages(manifest), ...commandsOfSteps(steps)].flatMap(({ pointer, text }) => {
    const why = whyInteractive(text);
    const message = `A step would wait for a person: ${why ?? ''}`;
    return when(why !== undefined, { section: 'interaction', pointer, message });
  });
}

function commandsOfPackages({ nodes }: Manifest): Command[] {
  return nodes.flatMap(({ image }, node) =>
    (image?.packages ?? []).flatMap((software, index) =>
      (['installation', 'configuration'] as const).flatMap((key) => {
        const text = software[key];
        return text === undefined ? [] : [{ pointer: `/nodes/${node}/image/packages/${index}/${key}`, text }];
      }),
    ),
  );
}

function commandsOfSteps(steps: readonly Step[]): Command[] {
  return steps.flatMap(({ pointer, statement }) => {
    if (statement.kind !== 'call' || !['system', 'fork'].includes(statement.verb)) return [];
    const words = statement.args.map((argument) => (argument.kind === 'text' ? argument.text : ''));
    // One text is a line for a shell; several are a program and its arguments.
    const text = words.length === 1 ? words.join('') : words.map((word) => `'${word}'`).join(' ');
    return [{ pointer, text }];
  });
}

function lintSecrets(steps: readonly Step[]): ManifestFinding[] {
  return steps.flatMap(({ pointer, statement }) => {
    const hands =
      statement.kind === 'call' &&
      statement.args.some((argument) => argument.kind === 'property' && argument.path.at(-1) === 'rootpass');
    const message = "A step hands a root password on: use the guest's own credentials";
    return when(hands, { section: 'security', pointer, message });
  });
}

function when(isFound: boolean, finding: ManifestFinding): ManifestFinding[] {
  return isFound ? [finding] : [];
}
