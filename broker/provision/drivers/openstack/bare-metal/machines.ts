import { setTimeout as delay } from 'node:timers/promises';
import {
  isProviderFault,
  ProviderError,
  type Machine,
  type MachineAction,
  type MachinePort,
  type MachineRequest,
  type OwnerTag,
} from '../../../port/index.ts';
import type { Cloud, Service } from '../cloud.ts';
import { findImage } from '../names.ts';
import { undoing, whenReady } from '../parts.ts';
import type { BareMetalNode } from '../settings.ts';
import { metadataOf, tagIn } from '../tags.ts';
import { advanceNodes } from './enrolment.ts';
import {
  allocationSchema,
  ironicOf,
  nodeSchema,
  nodesOf,
  stateOfNode,
  type Allocation,
  type IronicNode,
} from './ironic.ts';
import { sizePrefix } from './sizes.ts';

const pollMs = 200;
/** Choosing among the free nodes is a matter of the database: longer, and none will be found. */
const allocationMs = 30_000;
const undoMs = 30_000;

const powerTargets: Partial<Record<MachineAction, string>> = {
  start: 'power on',
  stop: 'power off',
  restart: 'rebooting',
};

/**
 * Whole machines of Ironic. The claim on a node is an allocation: it has a unique name and carries the owner's tag from its first
 * moment, and Ironic ends it when the node was torn down. Its id is the machine's, after `baremetal:`.
 */
export function ironicMachines(
  cloud: Cloud,
  enrolled: {
    readonly nodes: readonly BareMetalNode[];
    readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
  },
  now: () => Date,
): Omit<MachinePort, 'actions' | 'console'> {
  const toMachine = (allocation: Allocation, node: IronicNode | undefined): Machine | undefined => {
    const tag = tagIn(allocation.extra);
    const image = allocation.extra['medusa-image'];
    return (
      tag && {
        ref: sizePrefix + allocation.uuid,
        name: allocation.name ?? '',
        tag,
        ...lifeOf(allocation, node, now()),
        createdAt: allocation.created_at,
        addresses: [],
        image: typeof image === 'string' ? image : null,
        size: sizePrefix + (allocation.resource_class ?? ''),
        zone: null,
      }
    );
  };

  const find = async (ref: string, signal: AbortSignal) => {
    const ironic = await ironicOf(cloud, signal);
    const allocation = await ironic.find(`/allocations/${idOf(ref)}`, allocationSchema, signal);
    const node =
      allocation?.node_uuid == null
        ? undefined
        : await ironic.find(`/nodes/${allocation.node_uuid}`, nodeSchema, signal);
    return { ironic, allocation, node };
  };

  return {
    async create(request, tag, name, { signal }) {
      const ironic = await ironicOf(cloud, signal);
      const image = await findImage(cloud, request.image, signal);
      if (request.networkRefs.length > 0 || request.securityGroupRefs.length > 0)
        throw new ProviderError('invalid', 'Bare metal is on the networks of its own ports');
      const resourceClass = request.size.slice(sizePrefix.length);
      if (!(await isOffered(cloud, { resourceClass, nodes: enrolled.nodes }, signal)))
        throw new ProviderError('not-found', `There are no machines of the class ${resourceClass}`);
      const own = enrolled.nodes.filter((node) => node.resourceClass === resourceClass);
      await advanceNodes(ironic, { nodes: own, secrets: enrolled.secrets }, signal);

      const claim = await claimed(ironic, { name, tag, resourceClass, image }, signal);
      const undo = async (): Promise<void> =>
        ironic.remove(`/allocations/${claim.uuid}`, AbortSignal.timeout(undoMs));
      const allocation = await undoing(undo, async () => settled(ironic, claim, signal));
      await deploy(ironic, { allocation, request, image, name, undo }, signal);
      return {
        ref: sizePrefix + allocation.uuid,
        name,
        tag,
        state: 'starting',
        detail: 'deploying',
        createdAt: allocation.created_at,
        addresses: [],
        image,
        size: request.size,
        zone: null,
      };
    },

    async get(ref, signal) {
      const { allocation, node } = await find(ref, signal);
      return allocation && toMachine(allocation, node);
    },

    async list(owner, signal) {
      const ironic = await ironicOf(cloud, signal);
      const allocations = await ironic.list(
        { path: '/allocations', key: 'allocations', signal },
        allocationSchema,
      );
      const nodes = new Map((await nodesOf(cloud, signal)).map((node) => [node.uuid, node]));
      return allocations
        .flatMap((allocation) => toMachine(allocation, nodes.get(allocation.node_uuid ?? '')) ?? [])
        .filter(({ tag }) => tag.owner === owner);
    },

    async destroy(ref, { signal }) {
      const { ironic, allocation, node } = await find(ref, signal);
      if (!allocation) return;
      // A node that was never started is only let go of.
      if (!node || node.provision_state === 'available') {
        await ironic.remove(`/allocations/${allocation.uuid}`, signal);
        return;
      }
      if (stateOfNode(node) === 'stopping' && node.provision_state !== 'active') return;
      await alwaysCleaned(ironic, node.uuid, signal);
      const path = `/nodes/${node.uuid}/states/provision`;
      await ironic.tell({ method: 'PUT', path, body: { target: 'deleted' }, signal });
    },

    async act(ref, action, { signal }) {
      const target = powerTargets[action];
      if (target === undefined) throw new ProviderError('invalid', `Bare metal cannot ${action}`);
      const { ironic, node } = await find(ref, signal);
      if (!node) throw new ProviderError('not-found', `There is no machine ${ref}`);
      if (node.power_state === target || node.target_power_state === target) return;
      await ironic.tell({
        method: 'PUT',
        path: `/nodes/${node.uuid}/states/power`,
        body: { target },
        signal,
      });
    },
  };
}

const idOf = (ref: string): string => encodeURIComponent(ref.slice(sizePrefix.length));

async function isOffered(
  cloud: Cloud,
  { resourceClass, nodes }: { resourceClass: string; nodes: readonly BareMetalNode[] },
  signal: AbortSignal,
): Promise<boolean> {
  if (nodes.some((node) => node.resourceClass === resourceClass)) return true;
  return (await nodesOf(cloud, signal)).some((node) => node.resource_class === resourceClass);
}

function lifeOf(
  allocation: Allocation,
  node: IronicNode | undefined,
  now: Date,
): Pick<Machine, 'state' | 'detail'> {
  if (allocation.state === 'error')
    return { state: 'error', detail: `NoValidHost: ${allocation.last_error ?? 'no node'}` };
  if (!node) return { state: 'pending', detail: allocation.state };
  const detail = [node.provision_state, node.last_error].filter(Boolean).join(': ');
  // Claimed, but the call that starts it never came.
  if (node.provision_state === 'available')
    return whenReady(false, { createdAt: allocation.created_at, now, why: 'claimed, and never deployed' });
  return { state: stateOfNode(node), detail };
}

/** The claim of that name: a new one, or the one that an earlier call of the same operation made. */
async function claimed(
  ironic: Service,
  { name, tag, resourceClass, image }: { name: string; tag: OwnerTag; resourceClass: string; image: string },
  signal: AbortSignal,
): Promise<Allocation> {
  const extra = { ...metadataOf(tag), 'medusa-image': image };
  const body = { name, resource_class: resourceClass, extra };
  try {
    return await ironic.ask({ method: 'POST', path: '/allocations', body, signal }, allocationSchema);
  } catch (error) {
    if (!isProviderFault(error, 'conflict')) throw error;
    const held = await ironic.find(`/allocations/${name}`, allocationSchema, signal);
    const holder = held && tagIn(held.extra);
    const isSame =
      holder?.owner === tag.owner &&
      holder.resource === tag.resource &&
      holder.incarnation === tag.incarnation;
    if (!held || !isSame) throw error;
    return held;
  }
}

async function settled(ironic: Service, { uuid }: Allocation, signal: AbortSignal): Promise<Allocation> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(allocationMs)]);
  const call = { method: 'GET', path: `/allocations/${uuid}`, signal: bounded } as const;
  for (;;) {
    const allocation = await ironic.ask(call, allocationSchema);
    if (allocation.state === 'error')
      throw new ProviderError('capacity', `NoValidHost: ${allocation.last_error ?? 'no node is free'}`);
    if (allocation.node_uuid !== null) return allocation;
    await delay(pollMs, undefined, { signal: bounded }).catch((cause: unknown) => {
      throw new ProviderError('transient', 'Ironic chose no node in time', { cause });
    });
  }
}

async function deploy(
  ironic: Service,
  {
    allocation,
    request,
    image,
    name,
    undo,
  }: {
    allocation: Allocation;
    request: MachineRequest;
    image: string;
    name: string;
    undo: () => Promise<void>;
  },
  signal: AbortSignal,
): Promise<void> {
  const node = allocation.node_uuid ?? '';
  const { provision_state: state } = await ironic.ask(
    { method: 'GET', path: `/nodes/${node}`, signal },
    nodeSchema,
  );
  if (state !== 'available') return;
  const configdrive = {
    meta_data: { uuid: allocation.uuid, name, hostname: name },
    user_data: request.guest.userData,
  };
  await undoing(undo, async () => {
    await alwaysCleaned(ironic, node, signal);
    const info = [{ op: 'add', path: '/instance_info/image_source', value: image }];
    await ironic.tell({ method: 'PATCH', path: `/nodes/${node}`, body: info, signal });
    const path = `/nodes/${node}/states/provision`;
    await ironic.tell({ method: 'PUT', path, body: { target: 'active', configdrive }, signal });
  });
}

/** Cleaning can be turned off for a whole cloud or for one node. Never for one that may hold patients' data. */
async function alwaysCleaned(ironic: Service, node: string, signal: AbortSignal): Promise<void> {
  const body = [{ op: 'add', path: '/automated_clean', value: true }];
  await ironic.tell({ method: 'PATCH', path: `/nodes/${node}`, body, signal });
}
