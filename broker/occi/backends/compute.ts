import { isUtf8 } from 'node:buffer';
import { AppError, machineSpecSchema, parseInput, type ResourceAction } from '@medusa/protocol';
import type { GuestData } from '../../provision/guest/index.ts';
import type { Instance, NewInstance, OcciBackend } from '../backend.ts';
import {
  computeKind,
  gpuMixin,
  identifierOf,
  networkInterfaceKind,
  networkKind,
  sshKeyMixin,
  userDataMixin,
  type OcciValue,
} from '../model/index.ts';
import { chooseMachine } from './choose.ts';
import type { Offer, Offers } from './offers.ts';
import {
  adminOnly,
  attributesFrom,
  byOf,
  conditionOf,
  findOwnMachine,
  idIn,
  messageOf,
  ownMachines,
  providerPart,
  refuseChanges,
  resourceIdOf,
  type ResourceDeps,
  type ViewOf,
} from './resources.ts';

type Deps = ResourceDeps & { readonly offers: Offers; readonly guests: GuestData };

/** Ways to stop or restart a machine are the provider's: the method that a client names makes no difference. */
const asked: Readonly<Record<string, ResourceAction>> = {
  start: { action: 'power', power: 'on' },
  stop: { action: 'power', power: 'off' },
  suspend: { action: 'power', power: 'suspended' },
  restart: { action: 'restart' },
};

/** Machines of every provider, apart from those of pools. The id is also the host's name. */
export function computeBackend(deps: Deps): OcciBackend {
  const { provisioning, offers, guests, newId } = deps;
  const instanceOf = async (view: ViewOf<'machine'>): Promise<Instance> => toInstance(view, await offers());
  return {
    ...{ kind: computeKind, access: adminOnly, takesIds: true, actions: Object.keys(asked) },
    linksAtBirth: [identifierOf(networkInterfaceKind)],
    async list() {
      const known = await offers();
      return (await ownMachines(deps)).map((view) => toInstance(view, known));
    },
    async get(id) {
      const view = await findOwnMachine(deps, id);
      return view && instanceOf(view);
    },
    async create(wanted, by) {
      const id = idFor(wanted, newId);
      const { provider, image, size } = chooseMachine(await offers(), wanted);
      const given = userDataOf(wanted);
      await withUserData(guests, given, async (userData) => {
        const spec = parseInput(machineSpecSchema, {
          ...{ kind: 'machine', role: 'plain', image, size, userData },
          networks: networksOf(wanted),
          publicKey: wanted.attributes.get('occi.credentials.ssh.publickey'),
        });
        return provisioning.create({ id: resourceIdOf(id), provider: provider.id, spec }, byOf(by));
      });
      return require(await findOwnMachine(deps, id), instanceOf);
    },
    async update(id, changes) {
      const view = await findOwnMachine(deps, id);
      // It is never told: who sends the same document again changes nothing.
      const given = userDataOf({ attributes: changes });
      const isSame = given !== undefined && given === (await dataOf(guests, view));
      const others = [...changes].filter(([name]) => !isSame || name !== userDataName);
      if (others.length > 0) refuseChanges(new Map(others));
      return require(view, instanceOf);
    },
    async delete(id, by) {
      const key = (await findOwnMachine(deps, id))?.spec.userData;
      await provisioning.act(resourceIdOf(id), { action: 'destroy' }, byOf(by));
      if (key !== undefined) await guests.remove(key);
    },
    async act(id, { term }, by) {
      const action = asked[term];
      if (!action) throw new AppError('occi.not-implemented', `${term} is not implemented`);
      await provisioning.act(resourceIdOf(id), action, byOf(by));
      return require(await findOwnMachine(deps, id), instanceOf);
    },
  };
}

async function require<View, Made>(
  view: View | undefined,
  make: (view: View) => Promise<Made>,
): Promise<Made> {
  if (view === undefined) throw new AppError('resource.unknown', 'There is no such instance');
  return make(view);
}

const userDataName = 'occi.compute.userdata';
/** What every provider takes that takes user data at all (Amazon EC2 API, RunInstances). */
const mostUserData = 16_384;

/** Text, in base64 (GFD.224, User Data). Throws `request.invalid`. */
function userDataOf({ attributes }: Pick<NewInstance, 'attributes'>): string | undefined {
  const given = attributes.get(userDataName);
  if (given === undefined) return undefined;
  const bytes = Buffer.from(String(given), 'base64');
  const isBase64 = bytes.toString('base64').replace(/=+$/, '') === String(given).trim().replace(/=+$/, '');
  if (!isBase64 || !isUtf8(bytes) || bytes.length > mostUserData)
    throw new AppError(
      'request.invalid',
      `${userDataName} is text of at most ${mostUserData} bytes, in base64`,
    );
  return bytes.toString('utf8');
}

async function dataOf(guests: GuestData, view: ViewOf<'machine'> | undefined): Promise<string | undefined> {
  const key = view?.spec.userData;
  return key === undefined ? undefined : guests.find(key);
}

/** It is there before the machine is wanted: whoever makes it finds it. */
async function withUserData(
  guests: GuestData,
  given: string | undefined,
  create: (key: string | undefined) => Promise<unknown>,
): Promise<void> {
  const key = given === undefined ? undefined : await guests.put(given);
  try {
    await create(key);
  } catch (error) {
    if (key !== undefined) await guests.remove(key);
    throw error;
  }
}

function idFor({ id, attributes }: NewInstance, newId: () => string): string {
  const hostname = attributes.get('occi.compute.hostname');
  if (hostname !== undefined && id !== null && hostname !== id)
    throw new AppError('request.invalid', 'occi.compute.hostname is the id, or is left out');
  return id ?? (hostname === undefined ? newId() : String(hostname));
}

function networksOf({ links }: NewInstance): string[] {
  return links.map(({ target, attributes }) => {
    if (attributes.has('occi.networkinterface.mac'))
      throw new AppError('request.invalid', 'occi.networkinterface.mac is the provider to choose');
    return idIn(target, networkKind.location);
  });
}

function toInstance(view: ViewOf<'machine'>, offers: readonly Offer[]): Instance {
  const { mixin, attribute } = providerPart(view);
  const state = stateOf(view);
  const hardware = hardwareOf(view, offers);
  const { publicKey, userData } = view.spec;
  return {
    id: view.id,
    mixins: [
      ...[mixin, ...hardware.mixins],
      ...(publicKey === undefined ? [] : [identifierOf(sshKeyMixin)]),
      ...(userData === undefined ? [] : [identifierOf(userDataMixin)]),
    ],
    attributes: attributesFrom([
      ['occi.core.title', view.id],
      ['occi.compute.hostname', view.id],
      ['occi.compute.state', state],
      ['occi.compute.state.message', messageOf(view)],
      ...hardware.attributes,
      ['occi.credentials.ssh.publickey', publicKey],
      attribute,
    ]),
    actions: actionsIn[state],
  };
}

/** What its image and size are in the provider's catalogue; nothing when they are not there any more. */
function hardwareOf(
  view: ViewOf<'machine'>,
  offers: readonly Offer[],
): Pick<Instance, 'mixins' | 'attributes'> {
  const offer = offers.find(({ provider }) => provider.id === view.provider);
  const image = offer?.images.find((one) => one.image.id === view.spec.image);
  const size = offer?.sizes.find((one) => one.size.id === view.spec.size);
  const templates = [image, size].flatMap((one) => (one ? [identifierOf(one.mixin)] : []));
  const architecture = size?.size.architecture ?? image?.image.architecture;
  return {
    mixins: [...templates, ...(size?.size.gpu ? [identifierOf(gpuMixin)] : [])],
    attributes: attributesFrom([
      ['occi.compute.architecture', architecture],
      ...(size ? capacityOf(size.size) : []),
    ]),
  };
}

function capacityOf({
  cpus,
  memoryMiB,
  gpu,
}: Offer['sizes'][number]['size']): [string, OcciValue | undefined][] {
  return [
    ['occi.compute.cores', cpus],
    ['occi.compute.memory', memoryMiB / 1_024],
    ['medusa.gpu.model', gpu?.model],
    ['medusa.gpu.count', gpu?.count],
  ];
}

const actionsIn = {
  active: ['stop', 'restart', 'suspend'],
  inactive: ['start'],
  suspended: ['start'],
  error: [],
} as const;

function stateOf(view: ViewOf<'machine'>): keyof typeof actionsIn {
  const condition = conditionOf(view);
  if (condition === 'broken') return 'error';
  const { power } = view.spec;
  if (power === 'suspended') return 'suspended';
  return power === 'on' && condition === 'serving' ? 'active' : 'inactive';
}
