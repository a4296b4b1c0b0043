import {
  deploymentWishSchema,
  type DeploymentWish,
  type MachineNeed,
  type ManifestNode,
  type ManifestPort,
  type ResourceId,
  type SecurityRule,
} from '@medusa/protocol';
import type { z } from 'zod';

export type WishContext = {
  /** Owner of networks and security groups. */
  readonly tenant: string;
  readonly zone: string | undefined;
  /** Names on the way to the node. */
  readonly names: readonly string[];
  readonly nameOf: (names: readonly string[]) => ResourceId;
  /** Networks by label: nodes of one tenant that name the same one are in the same one. */
  readonly networks: Map<string, ResourceId>;
};

type NewWish = z.input<typeof deploymentWishSchema>;

/**
 * What a simple node needs there to be, in order: its network (when it is the first there), its security group, its machine, its
 * volumes. Sentences instead, when provisioning could not take them.
 */
export function wishesOf(
  node: ManifestNode,
  context: WishContext,
): { readonly wishes: readonly DeploymentWish[]; readonly problems: readonly string[] } {
  const { tenant, names, nameOf } = context;
  const zone = context.zone ?? null;
  const machine = nameOf(names);
  const group = nameOf([...names, 'sg']);
  const { network, storage } = node.infrastructure ?? {};
  const { networkId, networkWishes } = networkOf(node, context);
  const ports = [...(network?.ports ?? []), ...(node.image?.packages ?? []).flatMap((all) => all.ports)];
  const networks = networkId === undefined ? [] : [networkId];
  const wishes: NewWish[] = [
    ...networkWishes,
    { id: group, spec: { kind: 'security-group', tenant, rules: ports.flatMap(rulesOf) }, waitsFor: [] },
    {
      id: machine,
      spec: {
        kind: 'machine',
        role: roleOf(node),
        zone,
        networks,
        securityGroups: [group],
        need: needOf(node),
      },
      waitsFor: [...networks, group],
    },
    ...(storage?.volumes ?? []).map(({ name, sizeGiB = 0, type = null }, index) => ({
      id: nameOf([...names, name ?? `volume-${index + 1}`]),
      spec: { kind: 'volume' as const, sizeGiB: Math.ceil(sizeGiB), type, zone, attachedTo: machine },
      waitsFor: [machine],
    })),
  ];
  return checked(wishes);
}

/** A manifest may say more than provisioning takes: held against its schema here, not when it is too late. */
function checked(wishes: readonly NewWish[]): { wishes: DeploymentWish[]; problems: string[] } {
  const result: { wishes: DeploymentWish[]; problems: string[] } = { wishes: [], problems: [] };
  for (const wish of wishes) {
    const parsed = deploymentWishSchema.safeParse(wish);
    if (parsed.success) result.wishes.push(parsed.data);
    for (const { path, message } of parsed.error?.issues ?? [])
      result.problems.push(`The ${wish.spec.kind} ${wish.id}: ${path.slice(1).join(' ')}: ${message}`);
  }
  return result;
}

function networkOf(
  { infrastructure }: ManifestNode,
  { tenant, nameOf, networks }: WishContext,
): { networkId: ResourceId | undefined; networkWishes: NewWish[] } {
  const { label, vlan } = infrastructure?.network ?? {};
  if (label === undefined) return { networkId: undefined, networkWishes: [] };
  const known = networks.get(label);
  if (known !== undefined) return { networkId: known, networkWishes: [] };
  const networkId = nameOf([tenant, label]);
  networks.set(label, networkId);
  const segment = vlan !== undefined && /^\d{1,4}$/.test(vlan) ? Number(vlan) : null;
  const type = segment !== null || vlan === 'true' ? 'vlan' : 'flat';
  const spec = { kind: 'network', tenant, type, segment } as const;
  return { networkId, networkWishes: [{ id: networkId, spec, waitsFor: [] }] };
}

function roleOf({ profile }: ManifestNode): 'render' | 'storage' | 'plain' {
  if (profile === 'storage') return 'storage';
  const isRender = ['render', 'workstation', 'slides', 'x11'].some((one) => one === profile);
  return isRender ? 'render' : 'plain';
}

function needOf({ provider, operator, infrastructure, image }: ManifestNode): MachineNeed {
  const { compute, storage } = infrastructure ?? {};
  const { memoryGiB, gpu } = compute ?? {};
  return {
    provider,
    operator,
    architecture: orNull(compute?.architecture),
    cores: orNull(compute?.cores),
    speedGHz: orNull(compute?.speedGHz),
    memoryMiB: memoryGiB === undefined ? null : Math.ceil(memoryGiB * 1_024),
    diskGiB: orNull(storage?.sizeGiB),
    gpu: gpu
      ? {
          count: gpu.count,
          model: orNull(gpu.model),
          memoryGiB: orNull(gpu.memoryGiB),
          encoder: orNull(gpu.encoder),
        }
      : null,
    ...softwareOf(image),
  };
}

function softwareOf(image: ManifestNode['image']): Pick<MachineNeed, 'image' | 'system' | 'packages'> {
  return {
    image: orNull(image?.name),
    system: orNull(image?.system?.name ?? image?.system?.distribution),
    packages: (image?.packages ?? []).flatMap(({ name }) => name ?? []),
  };
}

function orNull<Value>(value: Value | undefined): Value | null {
  return value ?? null;
}

function rulesOf({ protocol, range, direction, ...port }: ManifestPort): SecurityRule[] {
  // Every port of a protocol is null in a rule; CORDS has 0 for it, or nothing.
  const fromPort = port.fromPort === 0 ? null : (port.fromPort ?? null);
  const toPort = port.toPort === 0 ? null : (port.toPort ?? fromPort);
  const directions = { none: [], in: ['in'], out: ['out'], inout: ['in', 'out'] } as const;
  return directions[direction].map((way) => ({
    direction: way,
    protocol,
    fromPort: fromPort === null && toPort !== null ? 1 : fromPort,
    toPort,
    remote: range ?? '0.0.0.0/0',
  }));
}
