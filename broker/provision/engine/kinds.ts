import type { ResourceKind } from '@medusa/protocol';
import {
  ProviderError,
  type Address,
  type AddressPort,
  type GuestStart,
  type Item,
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
  const { tag, name, operation, refOf } = context;
  const made = await byKind<Promise<Item>>(
    {
      machine: async ({ image, size, zone, networks, securityGroups }) => {
        const request = {
          ...{ image: refOf(image), size, zone, keyName: null },
          networkRefs: networks.map(refOf),
          securityGroupRefs: securityGroups.map(refOf),
          guest: await context.guest(),
        };
        return driver.machines.create(request, tag, name, operation);
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

type OtherCall = Exclude<Call, { action: 'create' }>;

/** Everything but a create. */
export async function callThing(
  driver: ProviderDriver,
  kind: ResourceKind,
  { call, operation }: { call: OtherCall; operation: Operation },
): Promise<void> {
  if (call.action === 'destroy') return requirePort(driver, kind).destroy(call.ref, operation);
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
