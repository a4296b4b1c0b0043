import { AppError, nodeIdSchema, type NodeView } from '@medusa/protocol';
import type { NodeRegistry } from '../../node/index.ts';
import type { Instance, OcciBackend } from '../backend.ts';
import { gpuMixin, identifierOf, renderNodeKind, storageNodeKind } from '../model/index.ts';
import {
  adminOnly,
  attributesFrom,
  byOf,
  findWanted,
  resourceIdOf,
  wantedOf,
  type ResourceDeps,
} from './resources.ts';

type Deps = Pick<ResourceDeps, 'provisioning'> & { readonly nodes: Pick<NodeRegistry, 'view' | 'views'> };
type Telling = (view: NodeView) => Pick<Instance, 'mixins' | 'attributes'>;

export function renderNodeBackend(deps: Deps): OcciBackend {
  return { ...nodeBackend(deps, 'render', tellRender), kind: renderNodeKind };
}

export function storageNodeBackend(deps: Deps): OcciBackend {
  return { ...nodeBackend(deps, 'storage', tellStorage), kind: storageNodeKind };
}

/** Nodes come and go as pools want them; those whose machines are ours can be drained. */
function nodeBackend(deps: Deps, kind: NodeView['kind'], tell: Telling): Omit<OcciBackend, 'kind'> {
  const { nodes, provisioning } = deps;
  const instanceOf = (view: NodeView, isOurs: boolean): Instance => ({
    ...{ id: view.id, ...tell(view) },
    actions: isOurs ? [view.state === 'draining' ? 'undrain' : 'drain'] : [],
  });
  const find = async (id: string): Promise<Instance | undefined> => {
    const parsed = nodeIdSchema.safeParse(id);
    const view = parsed.success ? nodes.view(parsed.data) : undefined;
    if (view?.kind !== kind) return undefined;
    return instanceOf(view, (await findWanted(deps, 'machine', id)) !== undefined);
  };
  return {
    ...{ access: adminOnly, actions: ['drain', 'undrain'], takesIds: false, linksAtBirth: [] },
    async list() {
      const ours = new Set<string>((await wantedOf(deps, 'machine')).map(({ id }) => id));
      const all = nodes.views().filter((view) => view.kind === kind);
      return all.map((view) => instanceOf(view, ours.has(view.id)));
    },
    get: find,
    async act(id, { term }, by) {
      if (!(await findWanted(deps, 'machine', id)))
        throw new AppError('resource.conflict', `The machine of ${id} is not ours`);
      const action = term === 'drain' ? 'drain' : 'undrain';
      await provisioning.act(resourceIdOf(id), { action }, byOf(by));
      const instance = await find(id);
      if (!instance) throw new AppError('resource.unknown', 'There is no such instance');
      return instance;
    },
  };
}

function commonOf({ id, state, reason, provider, version }: NodeView): [string, string | null][] {
  return [
    ['occi.core.title', id],
    ['medusa.node.state', state],
    ['medusa.node.state.message', reason],
    ['medusa.node.provider', provider],
    ['medusa.node.version', version],
  ];
}

function tellRender(view: NodeView): ReturnType<Telling> {
  const { capabilities, sessions, load1 } = view;
  return {
    mixins: capabilities?.gpu == null ? [] : [identifierOf(gpuMixin)],
    attributes: attributesFrom([
      ...commonOf(view),
      ['medusa.rendernode.slots', capabilities?.slots],
      ['medusa.rendernode.sessions', sessions],
      ['medusa.rendernode.cores', capabilities?.cpus],
      ['medusa.rendernode.memory', capabilities && capabilities.memoryMiB / 1_024],
      ['medusa.rendernode.architecture', capabilities?.architecture],
      ['medusa.rendernode.encoders', capabilities?.encoders.join(' ')],
      ['medusa.rendernode.load', load1],
      ['medusa.gpu.model', capabilities?.gpu],
    ]),
  };
}

function tellStorage(view: NodeView): ReturnType<Telling> {
  const { storage } = view;
  return {
    mixins: [],
    attributes: attributesFrom([
      ...commonOf(view),
      ['medusa.storagenode.aetitle', storage?.aeTitle],
      ['medusa.storagenode.port', storage?.dicomPort],
      ['medusa.storagenode.studies', storage?.studies],
      ['medusa.storagenode.instances', storage?.instances],
      ['medusa.storagenode.free', storage?.freeBytes],
    ]),
  };
}
