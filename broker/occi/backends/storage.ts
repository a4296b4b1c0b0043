import { AppError, parseInput, resourceSpecSchema } from '@medusa/protocol';
import type { Instance, OcciBackend } from '../backend.ts';
import { computeKind, storageKind, storageLinkKind } from '../model/index.ts';
import { chooseProvider } from './choose.ts';
import type { Offer, Offers } from './offers.ts';
import {
  adminOnly,
  attributesFrom,
  byOf,
  conditionOf,
  findOwnMachine,
  findWanted,
  idIn,
  messageOf,
  ownMachines,
  providerPart,
  refuseChanges,
  resourceIdOf,
  wantedOf,
  type ResourceDeps,
  type ViewOf,
} from './resources.ts';

/** Volumes of every provider. A deleted one waits on the hold list for a person: it may hold patients' data. */
export function storageBackend(deps: ResourceDeps & { readonly offers: Offers }): OcciBackend {
  const { provisioning, offers, newId } = deps;
  const find = async (id: string): Promise<Instance | undefined> => {
    const view = await findWanted(deps, 'volume', id);
    return view && toInstance(view, await offers());
  };
  return {
    // A volume is online as long as it is there, and no provider's port makes it larger or copies it elsewhere.
    ...{ kind: storageKind, access: adminOnly, actions: ['snapshot'], takesIds: true, linksAtBirth: [] },
    async list() {
      const known = await offers();
      return (await wantedOf(deps, 'volume')).map((view) => toInstance(view, known));
    },
    get: find,
    async create(wanted, by) {
      const id = resourceIdOf(wanted.id ?? newId());
      const provider = chooseProvider(await offers(), wanted, 'volumes').id;
      const sizeGiB = Math.ceil(Number(wanted.attributes.get('occi.storage.size')));
      const spec = parseInput(resourceSpecSchema, { kind: 'volume', sizeGiB });
      await provisioning.create({ id, provider, spec }, byOf(by));
      return required(await find(id));
    },
    update: async (_id, changes) => refuseChanges(changes),
    async delete(id, by) {
      await provisioning.act(resourceIdOf(id), { action: 'destroy' }, byOf(by));
    },
    async act(id, _call, by) {
      const instance = required(await find(id));
      if (!instance.actions.includes('snapshot'))
        throw new AppError('resource.conflict', 'It is not online, or its provider makes no snapshots');
      const { id: volume, provider } = await provisioning.resource(resourceIdOf(id));
      const spec = { kind: 'snapshot', volume } as const;
      await provisioning.create({ id: resourceIdOf(newId()), provider, spec }, byOf(by));
      return instance;
    },
  };
}

function required(instance: Instance | undefined): Instance {
  if (instance) return instance;
  throw new AppError('resource.unknown', 'There is no such instance');
}

function toInstance(view: ViewOf<'volume'>, offers: readonly Offer[]): Instance {
  const { mixin, attribute } = providerPart(view);
  const states = { serving: 'online', broken: 'error', 'under way': 'offline' };
  return {
    id: view.id,
    mixins: [mixin],
    attributes: attributesFrom([
      ['occi.core.title', view.id],
      ['occi.storage.size', view.spec.sizeGiB],
      ['occi.storage.state', states[conditionOf(view)]],
      ['occi.storage.state.message', messageOf(view)],
      attribute,
    ]),
    actions: conditionOf(view) === 'serving' && canSnapshot(view, offers) ? ['snapshot'] : [],
  };
}

function canSnapshot({ provider: id }: ViewOf<'volume'>, offers: readonly Offer[]): boolean {
  return offers.some(({ provider }) => provider.id === id && provider.capabilities.includes('snapshots'));
}

/** Which volume is attached to which machine: at most one, so that a link's id is its volume's. */
export function storageLinkBackend(deps: Pick<ResourceDeps, 'provisioning'>): OcciBackend {
  const { provisioning } = deps;
  return {
    ...{ kind: storageLinkKind, access: adminOnly, actions: [], takesIds: true, linksAtBirth: [] },
    async list() {
      const machines = new Set<string | null>((await ownMachines(deps)).map(({ id }) => id));
      const volumes = await wantedOf(deps, 'volume');
      return volumes.filter(({ spec }) => machines.has(spec.attachedTo)).flatMap(linksOf);
    },
    async get(id) {
      const view = await findWanted(deps, 'volume', id);
      const machine = await findOwnMachine(deps, view?.spec.attachedTo ?? '');
      return view && machine && linksOf(view)[0];
    },
    async create({ id, attributes }, by) {
      for (const name of ['occi.storagelink.deviceid', 'occi.storagelink.mountpoint'])
        if (attributes.has(name))
          throw new AppError('request.invalid', `${name} is not for clients to choose`);
      const machine = idIn(attributes.get('occi.core.source'), computeKind.location);
      const volume = idIn(attributes.get('occi.core.target'), storageKind.location);
      if (id !== null && id !== volume)
        throw new AppError('request.invalid', `The id of this link is ${volume}`);
      const present = await findWanted(deps, 'volume', volume);
      if (!present) throw new AppError('request.invalid', `There is no storage ${volume}`);
      const { attachedTo } = present.spec;
      if (attachedTo !== null && attachedTo !== machine)
        throw new AppError('resource.conflict', `${volume} is attached to ${attachedTo}`);
      await provisioning.act(volume, { action: 'attach', machine }, byOf(by));
      const view = await findWanted(deps, 'volume', volume);
      const [link] = view ? linksOf(view) : [];
      if (!link) throw new AppError('resource.unknown', 'There is no such instance');
      return link;
    },
    update: async (_id, changes) => refuseChanges(changes),
    async delete(id, by) {
      await provisioning.act(resourceIdOf(id), { action: 'detach' }, byOf(by));
    },
  };
}

function linksOf(view: ViewOf<'volume'>): Instance[] {
  const { attachedTo } = view.spec;
  if (attachedTo === null) return [];
  return [
    {
      ...{ id: view.id, mixins: [], actions: [] },
      attributes: attributesFrom([
        ['occi.core.source', `${computeKind.location ?? ''}${attachedTo}`],
        ['occi.core.target', `${storageKind.location ?? ''}${view.id}`],
        ['occi.storagelink.state', conditionOf(view) === 'serving' ? 'active' : 'inactive'],
      ]),
    },
  ];
}
