import type { DeploymentPlan, Manifest, ManifestNode, ResourceId } from '@medusa/protocol';
import { orderNodes, stepsOf, type Step } from './cordscript/index.ts';
import { instruct, type Bench, type PlacedNode } from './instructions.ts';
import { createNaming } from './naming.ts';
import { wishesOf } from './wishes.ts';

export type DeploymentOptions = {
  /** Manifests that complex nodes may name. */
  readonly manifests: ReadonlyMap<string, Manifest>;
  /** Owner of networks and security groups. */
  readonly tenant: string;
  /** First part of the names of what is its own, so that a manifest can be deployed twice; left out: the manifest's. */
  readonly name?: string | undefined;
};

type Planned =
  | { readonly ok: true; readonly plan: DeploymentPlan }
  | { readonly ok: false; readonly problems: readonly { pointer: string; message: string }[] };

/**
 * How a manifest is deployed: node by node, each after those whose properties it is configured with, a complex node as the nodes of its
 * own manifest; what is wanted of providers, the instructions with what each waits for, and the release in the reverse order. A public
 * common node is there once, whoever names it.
 */
export function planDeployment(manifest: Manifest, { manifests, tenant, name }: DeploymentOptions): Planned {
  const site: Site = {
    manifests,
    tenant,
    nameOf: createNaming(),
    networks: new Map(),
    shared: new Map(),
    entries: [],
    problems: [],
    bench: { count: 0, last: new Map() },
  };
  placeManifest(site, {
    manifest,
    names: [name ?? manifest.name],
    path: [],
    within: [],
    isShared: false,
    pointer: '',
  });
  const release = releaseOf(site);
  if (site.problems.length > 0) return { ok: false, problems: site.problems };
  return {
    ok: true,
    plan: { manifest: manifest.name, nodes: site.entries.map(({ view }) => view), release },
  };
}

type Entry = {
  readonly view: DeploymentPlan['nodes'][number];
  /** Nodes beside it, by name. */
  readonly placed: ReadonlyMap<string, PlacedNode>;
  readonly release: readonly Step[];
  readonly pointer: string;
};

type Site = DeploymentOptions & {
  readonly nameOf: (names: readonly string[]) => ResourceId;
  readonly networks: Map<string, ResourceId>;
  /** Manifests of public common nodes that are placed already. */
  readonly shared: Map<string, ReadonlyMap<string, PlacedNode>>;
  readonly entries: Entry[];
  readonly problems: { pointer: string; message: string }[];
  readonly bench: Bench;
};

type Visit = {
  readonly manifest: Manifest;
  /** For ids. */
  readonly names: readonly string[];
  /** Of nodes, for people. */
  readonly path: readonly string[];
  /** Manifests that this one is in, outermost first. */
  readonly within: readonly string[];
  readonly isShared: boolean;
  /** In the outermost manifest; '' while in it. */
  readonly pointer: string;
};

function placeManifest(site: Site, visit: Visit): ReadonlyMap<string, PlacedNode> {
  const { manifest, pointer } = visit;
  const { steps, problems } = stepsOf(manifest);
  const placed = new Map<string, PlacedNode>();
  const refuse = (message: string, at = pointer): void => void site.problems.push({ pointer: at, message });
  for (const problem of problems) refuse(problem.message, pointer === '' ? problem.pointer : pointer);
  const sorted = orderNodes(manifest);
  if (!sorted.ok) {
    refuse(`These nodes need each other: ${sorted.cycle.join(' needs ')}`);
    return placed;
  }
  for (const name of sorted.order) {
    const index = manifest.nodes.findIndex((candidate) => candidate.name === name);
    const node = manifest.nodes[index];
    if (!node) continue;
    const own = steps.filter(({ statement }) => statement.target[0] === name);
    const at = pointer === '' ? `/nodes/${index}` : pointer;
    placeNode(site, { ...visit, pointer: at }, { node, placed, steps: own });
  }
  return placed;
}

function placeNode(
  site: Site,
  visit: Visit,
  { node, placed, steps }: { node: ManifestNode; placed: Map<string, PlacedNode>; steps: readonly Step[] },
): void {
  const path = [...visit.path, node.name];
  const isComplex = node.type !== 'simple';
  const { wishes, problems } = isComplex
    ? { wishes: [], problems: [] }
    : wishesOf(node, { ...site, zone: visit.manifest.zone, names: [...visit.names, node.name] });
  for (const message of problems) site.problems.push({ pointer: visit.pointer, message });
  const self: PlacedNode = {
    path: path.join('.'),
    machine: wishes.find(({ spec }) => spec.kind === 'machine')?.id,
    inner: isComplex ? placeInner(site, visit, node) : new Map(),
  };
  placed.set(node.name, self);
  const isShared = visit.isShared || isSharedNode(node);
  const told = instruct(site.bench, { steps: steps.filter(({ section }) => section !== 'release'), placed });
  for (const message of told.problems) site.problems.push({ pointer: visit.pointer, message });
  const { access, scope } = node;
  const manifest = isComplex ? node.type : visit.manifest.name;
  site.entries.push({
    view: {
      node: self.path,
      manifest,
      access,
      scope,
      isShared,
      wishes: [...wishes],
      instructions: told.instructions,
    },
    placed,
    release: steps.filter(({ section }) => section === 'release'),
    pointer: visit.pointer,
  });
}

function placeInner(site: Site, visit: Visit, node: ManifestNode): ReadonlyMap<string, PlacedNode> {
  const within = [...visit.within, visit.manifest.name];
  const refuse = (message: string): ReadonlyMap<string, PlacedNode> => {
    site.problems.push({ pointer: visit.pointer, message });
    return new Map();
  };
  if (within.includes(node.type))
    return refuse(`A manifest is in itself: ${[...within, node.type].join(' has ')}`);
  const manifest = site.manifests.get(node.type);
  if (!manifest) return refuse(`There is no manifest ${node.type}`);
  const isShared = visit.isShared || isSharedNode(node);
  const known = isSharedNode(node) ? site.shared.get(node.type) : undefined;
  if (known) return known;
  const inner = placeManifest(site, {
    manifest,
    names: isSharedNode(node) ? [node.type] : [...visit.names, node.name],
    path: [...visit.path, node.name],
    within,
    isShared,
    pointer: visit.pointer,
  });
  if (isSharedNode(node)) site.shared.set(node.type, inner);
  return inner;
}

function isSharedNode({ access, scope }: ManifestNode): boolean {
  return access === 'public' && scope === 'common';
}

/** Who is needed by others goes last. What others use stays: shared nodes, and networks, which are the tenant's. */
function releaseOf({ entries, bench, problems }: Site): DeploymentPlan['release'] {
  let before: string | undefined;
  return entries.toReversed().flatMap(({ view: { node, isShared, wishes }, placed, release, pointer }) => {
    const told = instruct(bench, { steps: release, placed });
    problems.push(...told.problems.map((message) => ({ pointer, message })));
    if (isShared) return [];
    const instructions = told.instructions.map((instruction) => {
      const waitsFor = before === undefined ? [] : [before];
      before = instruction.id;
      return { ...instruction, waitsFor };
    });
    const own = wishes.filter(({ spec }) => spec.kind !== 'network');
    return [{ node, instructions, resources: own.map(({ id }) => id).reverse() }];
  });
}
