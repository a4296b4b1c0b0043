import { applicationSchema, type Application, type Manifest, type ManifestNode } from '@medusa/protocol';
import { stepsOf, type Argument, type SectionName, type Step } from './cordscript/index.ts';

/** A node with one of these profiles is what a session runs; of any other manifest no session is made. */
const kinds = ['workstation', 'slides', 'x11'] as const;

/**
 * The application that a manifest describes, or null: it describes something else. Where each part comes from is in docs/manifests.md.
 * Throws when it means to describe one and something is missing.
 */
export function applicationOf(manifest: Manifest): Application | null {
  const { steps } = stepsOf(manifest);
  const node = manifest.nodes.find(({ profile }) => kinds.some((kind) => kind === profile));
  if (node) return describe(manifest, { steps, node, viewer: node });
  const parts = partsOf(manifest, steps);
  // Our own workstation runs in two parts: nothing else knows how to deliver its pictures.
  return parts ? { ...describe(manifest, { steps, ...parts }), canSplit: true } : null;
}

type Parts = { readonly node: ManifestNode; readonly viewer: ManifestNode };

/** A render node that is given the study, and one that people see, which is given the first one's address. */
function partsOf({ nodes }: Manifest, steps: readonly Step[]): Parts | undefined {
  const renders = nodes.filter(({ profile }) => profile === 'render');
  const reader = renders.find((each) => studyAccessOf(steps, each) !== undefined);
  const viewer = renders.find(
    (each) =>
      argumentsOf(steps, { section: 'interface', node: each, verb: 'iface' }).length > 0 &&
      argumentsOf(steps, { section: 'configuration', node: each, verb: 'configure' }).some(
        (argument) => argument.kind === 'property' && argument.path.join('.') === `${reader?.name}.hostname`,
      ),
  );
  return reader && viewer && { node: reader, viewer };
}

function describe(
  manifest: Manifest,
  { steps, node, viewer }: Parts & { readonly steps: readonly Step[] },
): Application {
  const { compute } = node.infrastructure ?? {};
  return applicationSchema.parse({
    id: manifest.name,
    name: manifest.interface?.name,
    description: manifest.descriptions[0] ?? '',
    kind: kinds.find((kind) => kind === node.profile) ?? 'workstation',
    command: textsOf(argumentsOf(steps, { section: 'configuration', node, verb: 'fork' })),
    packages: (node.image?.packages ?? []).map(({ name }) => name),
    studyAccess: studyAccessOf(steps, node),
    resources: { memoryMiB: Math.round((compute?.memoryGiB ?? 0) * 1_024), cpus: compute?.cores },
    ...offersOf(steps, viewer),
  });
}

/**
 * `iface('streamed')` is a way in which it runs, `iface('modality', 'SM')` what it is for, `iface('transfer', 'paste')` what text may pass
 * between its display and clipboards at most.
 */
function offersOf(
  steps: readonly Step[],
  node: ManifestNode,
): { modes: readonly string[]; modalities?: readonly string[]; transfers?: readonly string[] } {
  const said = callsOf(steps, { section: 'interface', node, verb: 'iface' }).map(textsOf);
  const toldOf = (name: string): readonly string[][] =>
    said.flatMap(([first, ...rest]) => (first === name ? [rest] : []));
  const [modalities, transfers] = [toldOf('modality'), toldOf('transfer')];
  const modes = said.filter(([first]) => first !== 'modality' && first !== 'transfer').flat();
  return {
    modes,
    ...(modalities.length > 0 && { modalities: modalities.flat() }),
    ...(transfers.length > 0 && { transfers: transfers.flat() }),
  };
}

function studyAccessOf(steps: readonly Step[], node: ManifestNode): string | undefined {
  return argumentsOf(steps, { section: 'configuration', node, verb: 'configure' })
    .flatMap((argument) => (argument.kind === 'property' ? [argument.path.at(-1)] : []))
    .find((property) => property === 'dicomweb' || property === 'files');
}

type Wanted = { readonly section: SectionName; readonly node: ManifestNode; readonly verb: string };

function argumentsOf(steps: readonly Step[], wanted: Wanted): readonly Argument[] {
  return callsOf(steps, wanted).flat();
}

function callsOf(steps: readonly Step[], wanted: Wanted): readonly (readonly Argument[])[] {
  return steps.flatMap(({ section, statement }) => {
    const isWanted =
      statement.kind === 'call' &&
      section === wanted.section &&
      statement.verb === wanted.verb &&
      statement.target.join('.') === wanted.node.name;
    return isWanted ? [statement.args] : [];
  });
}

function textsOf(args: readonly Argument[]): string[] {
  return args.flatMap((argument) => (argument.kind === 'text' ? [argument.text] : []));
}
