import type { ResourceKind } from '@medusa/protocol';
import {
  ProviderError,
  type Address,
  type GuestStart,
  type Item,
  type Machine,
  type Network,
  type Operation,
  type OwnerTag,
  type ProviderDriver,
  type ResourcePort,
  type Volume,
} from '../port/index.ts';
import type { Call } from './decision.ts';
import type { ResourceRecord, Thing } from './model.ts';

/** What looking at and deleting needs of any kind's port. */
type AnyPort = Pick<ResourcePort<never, Item>, 'get' | 'list' | 'destroy'>;

/** The port of a kind, when the provider has it. */
export function portOf(driver: ProviderDriver, kind: ResourceKind): AnyPort | undefined {
  switch (kind) {
    case 'machine':
      return driver.machines;
    case 'volume':
      return driver.volumes;
    case 'snapshot':
      return driver.snapshots;
    case 'network':
      return driver.networks;
    case 'address':
      return driver.addresses;
    case 'security-group':
      return driver.securityGroups;
    case 'image':
      return driver.images;
  }
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
  readonly guest: (() => Promise<GuestStart>) | null;
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
  const { spec } = wish;
  switch (spec.kind) {
    case 'machine': {
      const { image, size, zone, networks, securityGroups } = spec;
      const request = {
        ...{ image: refOf(image), size, zone, keyName: null },
        networkRefs: networks.map(refOf),
        securityGroupRefs: securityGroups.map(refOf),
        guest: (await context.guest?.()) ?? { environment: {}, userData: '#cloud-config\n' },
      };
      return toThing(await driver.machines.create(request, tag, name, operation));
    }
    case 'volume': {
      const { sizeGiB, type, zone, source } = spec;
      const from =
        source.kind === 'blank'
          ? ({ kind: 'blank' } as const)
          : ({ kind: source.kind, ref: refOf(source.resource) } as const);
      return toThing(
        await having(driver.volumes).create({ sizeGiB, type, zone, source: from }, tag, name, operation),
      );
    }
    case 'snapshot': {
      const volumeRef = refOf(spec.volume);
      return toThing(await having(driver.snapshots).create({ volumeRef }, tag, name, operation));
    }
    case 'network':
      return toThing(await having(driver.networks).create(spec, tag, name, operation));
    case 'address':
      return toThing(await having(driver.addresses).create({ from: spec.from }, tag, name, operation));
    case 'security-group':
      return toThing(await having(driver.securityGroups).create({ rules: spec.rules }, tag, name, operation));
    case 'image': {
      const file = await context.imageFile(spec, operation.signal);
      return toThing(await having(driver.images).create({ ...spec, ...file }, tag, name, operation));
    }
  }
}

/** Everything but a create. */
export async function callThing(
  driver: ProviderDriver,
  kind: ResourceKind,
  { call, operation }: { call: Exclude<Call, { action: 'create' }>; operation: Operation },
): Promise<void> {
  switch (call.action) {
    case 'destroy':
      return requirePort(driver, kind).destroy(call.ref, operation);
    case 'detach':
      return having(driver.volumes).detach(call.ref, operation);
    case 'attach':
      return having(driver.volumes).attach(call.ref, call.machineRef, operation);
    case 'revert': {
      const { revert } = having(driver.volumes);
      if (!revert) throw new ProviderError('invalid', 'This provider cannot put volumes back to a snapshot');
      return revert.call(driver.volumes, call.ref, call.snapshotRef, operation);
    }
    case 'assign':
      return having(driver.addresses).assign(call.ref, call.machineRef, operation);
    case 'unassign':
      return having(driver.addresses).unassign(call.ref, operation);
    case 'start':
    case 'stop':
    case 'restart':
    case 'suspend':
    case 'resume':
      return driver.machines.act(call.ref, call.action, operation);
  }
}

function having<Port>(port: Port | undefined): Port {
  if (port === undefined) throw new ProviderError('invalid', 'This provider does not have such things');
  return port;
}
