import { createHash } from 'node:crypto';
import type { ResourceKind } from '@medusa/protocol';
import {
  isProviderFault,
  ProviderError,
  type Address,
  type AddressPort,
  type GuestStart,
  type Item,
  type KeyPort,
  type Machine,
  type Network,
  type Operation,
  type OwnerTag,
  type ProviderDriver,
  type ResourcePort,
  type Volume,
  type VolumePort,
} from '../port/index.ts';
import type { Call } from './decision.ts';
import { byKind, type ResourceRecord, type Thing } from './model.ts';

/** What looking at and deleting needs of any kind's port. */
type AnyPort = Pick<ResourcePort<never, Item>, 'get' | 'list' | 'destroy'>;

export const portName = {
  machine: 'machines',
  volume: 'volumes',
  snapshot: 'snapshots',
  network: 'networks',
  address: 'addresses',
  'security-group': 'securityGroups',
  image: 'images',
} as const satisfies Record<ResourceKind, keyof ProviderDriver>;

/** The port of a kind, when the provider has it. */
export function portOf(driver: ProviderDriver, kind: ResourceKind): AnyPort | undefined {
  return driver[portName[kind]];
}

export function requirePort(driver: ProviderDriver, kind: ResourceKind): AnyPort {
  const port = portOf(driver, kind);
  if (!port) throw new ProviderError('invalid', `This provider has no ${kind}s`);
  return port;
}

export function toThing(item: Item & Partial<Machine & Volume & Network & Address>): Thing {
  const { ref, name, tag, state, detail, createdAt, addresses, address, attachedTo, assignedTo, cidrs } =
    item;
  return {
    ...{ ref, name, tag, state, detail, createdAt },
    addresses: addresses ?? (address === undefined ? [] : [address]),
    holder: attachedTo?.machineRef ?? assignedTo ?? null,
    cidrs: cidrs ?? [],
  };
}

/** What a create needs that is not in the wish. */
export type CreateContext = {
  /** The provider's id of a resource of ours, or of what it names itself (`ref:<id>`). */
  readonly refOf: (name: string) => string;
  /** The same of an image: one that is no image of ours is the provider's, whatever else of ours is called so. */
  readonly imageRefOf: (name: string) => string;
  readonly tag: OwnerTag;
  readonly name: string;
  readonly operation: Operation;
  readonly guest: () => Promise<GuestStart>;
  readonly imageFile: ImageFile;
};

/** Where a built image lies on this machine. */
export type ImageFile = (
  spec: Extract<ResourceRecord['wish']['spec'], { kind: 'image' }>,
  signal: AbortSignal,
) => Promise<{ readonly file: string; readonly contentHash: string }>;

export async function createThing(
  driver: ProviderDriver,
  { wish }: ResourceRecord,
  context: CreateContext,
): Promise<Thing> {
  const { tag, name, operation, refOf, imageRefOf } = context;
  const made = await byKind<Promise<Item>>(
    {
      machine: async ({ image, size, zone, networks, securityGroups, publicKey }) => {
        const keyName = keyNameOf(tag.owner, { id: tag.resource, wish });
        const request = {
          ...{ image: imageRefOf(image), size, zone, keyName },
          networkRefs: networks.map(refOf),
          securityGroupRefs: securityGroups.map(refOf),
          guest: await context.guest(),
        };
        const create = async (): Promise<Item> => driver.machines.create(request, tag, name, operation);
        return publicKey === undefined || keyName === null
          ? create()
          : withKey(having(driver.keys), { name: keyName, publicKey, operation }, create);
      },
      volume: async ({ sizeGiB, type, zone, source }) => {
        const from = source.kind === 'blank' ? source : { kind: source.kind, ref: refOf(source.resource) };
        return having(driver.volumes).create({ sizeGiB, type, zone, source: from }, tag, name, operation);
      },
      snapshot: async ({ volume }) =>
        having(driver.snapshots).create({ volumeRef: refOf(volume) }, tag, name, operation),
      network: async (spec) => having(driver.networks).create(spec, tag, name, operation),
      address: async ({ from }) => having(driver.addresses).create({ from }, tag, name, operation),
      'security-group': async ({ rules }) =>
        having(driver.securityGroups).create({ rules }, tag, name, operation),
      image: async (spec) => {
        const file = await context.imageFile(spec, operation.signal);
        return having(driver.images).create({ ...spec, ...file }, tag, name, operation);
      },
    },
    wish.spec,
  );
  return toThing(made);
}

/** One of all incarnations of a machine; null: it is given none. */
function keyNameOf(
  owner: string,
  { id, wish: { spec } }: { readonly id: string; readonly wish: Pick<ResourceRecord['wish'], 'spec'> },
): string | null {
  if (spec.kind !== 'machine' || spec.publicKey === undefined) return null;
  const mark = createHash('sha256').update(spec.publicKey).digest('hex').slice(0, 8);
  return `medusa-${owner}-key-${id}-${mark}`;
}

/** The key stays when it is not known whether the machine is there. */
async function withKey(
  keys: KeyPort,
  { name, publicKey, operation }: { name: string; publicKey: string; operation: Operation },
  create: () => Promise<Item>,
): Promise<Item> {
  await keys.import(name, publicKey, operation);
  try {
    return await create();
  } catch (error) {
    if (isProviderFault(error) && error.fault !== 'unknown-outcome')
      // It is imported under the same name when the machine is tried again.
      await keys.remove(name, operation).catch(() => undefined);
    throw error;
  }
}

type OtherCall = Exclude<Call, { action: 'create' }>;

/** Everything but a create. */
export async function callThing(
  driver: ProviderDriver,
  record: Pick<ResourceRecord, 'id' | 'wish'>,
  { call, operation, owner }: { call: OtherCall; operation: Operation; owner: string },
): Promise<void> {
  const { kind } = record.wish.spec;
  if (call.action === 'destroy') {
    // First, so that a destroy that was cut off is asked again, and leaves no key behind.
    const keyName = keyNameOf(owner, record);
    if (keyName !== null) await driver.keys?.remove(keyName, operation);
    return requirePort(driver, kind).destroy(call.ref, operation);
  }
  if (kind === 'volume') return callVolume(having(driver.volumes), call, operation);
  if (kind === 'address') return callAddress(having(driver.addresses), call, operation);
  const action = driver.machines.actions.find((known) => known === call.action);
  if (action === undefined)
    throw new ProviderError('invalid', `This provider cannot ${call.action} a ${kind}`);
  return driver.machines.act(call.ref, action, operation);
}

async function callVolume(volumes: VolumePort, call: OtherCall, operation: Operation): Promise<void> {
  if (call.action === 'attach') return volumes.attach(call.ref, call.machineRef, operation);
  if (call.action === 'detach') return volumes.detach(call.ref, operation);
  if (call.action !== 'revert' || !volumes.revert)
    throw new ProviderError('invalid', 'This provider cannot put volumes back to a snapshot');
  return volumes.revert(call.ref, call.snapshotRef, operation);
}

async function callAddress(addresses: AddressPort, call: OtherCall, operation: Operation): Promise<void> {
  if (call.action === 'assign') return addresses.assign(call.ref, call.machineRef, operation);
  return addresses.unassign(call.ref, operation);
}

function having<Port>(port: Port | undefined): Port {
  if (port === undefined) throw new ProviderError('invalid', 'This provider does not have such things');
  return port;
}
