import { z } from 'zod';
import { cidrSchema, securityRuleSchema } from './provision.ts';

/**
 * What the broker tells the programs of a plain host (`infra/network/main.ts`, `infra/volumes/main.ts`): one JSON document on
 * standard input, one on standard output. Names are the caller's: applying the same again changes nothing.
 */

/** Goes into device aliases, comments and file names: no quote, no slash. */
const hostIdSchema = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
/** Machines have the name their driver gives them. */
const hostMachineSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_./-]{0,127}$/);
/** IFNAMSIZ is 16 with the closing zero. */
const deviceSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/);
const absolutePathSchema = z.string().regex(/^\/[A-Za-z0-9_./-]*$/, 'an absolute path');

export const hostTagSchema = z.strictObject({
  owner: z.string().regex(/^[a-z0-9]{1,12}$/),
  resource: z.string().min(1).max(63),
  incarnation: z.int().min(0),
});
export type HostTag = z.infer<typeof hostTagSchema>;

/** How networks are made on that host. */
export const hostNetworkSettingsSchema = z.strictObject({
  /** The journal of what is wanted lies here; a folder of its own for each host. */
  stateDir: absolutePathSchema.default('/var/lib/medusa/network'),
  /** `auto`: Open vSwitch where it runs, else bridges of the kernel. */
  backend: z.enum(['auto', 'ovs', 'bridge']).default('auto'),
  /** Interface towards the world: gateways translate to it, floating addresses are put on it. */
  uplink: deviceSchema.nullable().default(null),
  /** Interface whose frames carry flat and VLAN networks to other hosts. It must have no address. null: they end on this host. */
  trunk: deviceSchema.nullable().default(null),
  /** RFC 7348; every remote host gets a copy of what is flooded. */
  vxlan: z
    .strictObject({
      local: z.union([z.ipv4(), z.ipv6()]),
      remotes: z.array(z.union([z.ipv4(), z.ipv6()])),
      port: z.int().min(1).max(65_535).default(4789),
    })
    .nullable()
    .default(null),
  ovs: z
    .strictObject({
      bridge: deviceSchema.default('medusa0'),
      /** Where `db.sock` and the switch's control sockets are. */
      runDir: absolutePathSchema.default('/var/run/openvswitch'),
      datapath: z.enum(['auto', 'system', 'netdev']).default('auto'),
    })
    .default({ bridge: 'medusa0', runDir: '/var/run/openvswitch', datapath: 'auto' }),
  /** Ports of the host itself that machines may reach on their gateway, e.g. a broker's. Everything else of the host is closed to them. */
  hostPorts: z
    .array(z.strictObject({ protocol: z.enum(['tcp', 'udp']), port: z.int().min(1).max(65_535) }))
    .default([]),
  /** Where the hooks of networks lie, see infra/network/hooks.ts. */
  hookDir: absolutePathSchema.nullable().default(null),
});
export type HostNetworkSettings = z.infer<typeof hostNetworkSettingsSchema>;

export const hostNetworkSchema = z.strictObject({
  kind: z.literal('network'),
  id: hostIdSchema,
  tag: hostTagSchema,
  tenant: z.string().max(40),
  type: z.enum(['flat', 'vlan', 'vxlan']),
  segment: z.int().min(1).max(16_777_215).nullable(),
  cidrs: z.array(cidrSchema).max(2),
  dhcp: z.boolean(),
  hasGateway: z.boolean(),
  /** Programs of `settings.hookDir` that are told of every change of it, its ports and their floating addresses. */
  hooks: z.array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/)).default([]),
});
export type HostNetwork = z.infer<typeof hostNetworkSchema>;

export const hostPortSchema = z.strictObject({
  kind: z.literal('port'),
  id: hostIdSchema,
  tag: hostTagSchema,
  machine: hostMachineSchema,
  network: hostIdSchema,
  groups: z.array(hostIdSchema),
  /**
   * `netns`: an interface in a network namespace, which is made when it is not there; `isConfigured` gives it its addresses and
   * routes, otherwise a DHCP client in it asks for them. `tap`: a device that a virtual machine's monitor opens.
   */
  attach: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('netns'), namespace: hostIdSchema, isConfigured: z.boolean() }),
    z.strictObject({ kind: z.literal('tap') }),
  ]),
  /** null: the lowest free ones of the network. */
  addresses: z
    .array(z.union([z.ipv4(), z.ipv6()]))
    .max(2)
    .nullable(),
});
export type HostPort = z.infer<typeof hostPortSchema>;

export const hostGroupSchema = z.strictObject({
  kind: z.literal('group'),
  id: hostIdSchema,
  tag: hostTagSchema,
  rules: z.array(securityRuleSchema).max(200),
});
export type HostGroup = z.infer<typeof hostGroupSchema>;

export const hostAddressSchema = z.strictObject({
  kind: z.literal('address'),
  id: hostIdSchema,
  tag: hostTagSchema,
  /** The lowest free address of these prefixes is taken. */
  pool: z.array(cidrSchema).min(1),
  /** Machines that take it over, in this order, when the one that has it does not answer; needs `watch` to run. */
  failover: z.array(hostMachineSchema).default([]),
  /** A TCP port that a machine must accept to count as alive; null: it is enough that its network stack answers. */
  probePort: z.int().min(1).max(65_535).nullable().default(null),
});
export type HostAddress = z.infer<typeof hostAddressSchema>;

const networkKindSchema = z.enum(['network', 'port', 'group', 'address']);

export const hostNetworkCommandSchema = z.discriminatedUnion('do', [
  z.strictObject({
    do: z.literal('apply'),
    settings: hostNetworkSettingsSchema,
    things: z.array(
      z.discriminatedUnion('kind', [hostNetworkSchema, hostPortSchema, hostGroupSchema, hostAddressSchema]),
    ),
  }),
  z.strictObject({
    do: z.literal('remove'),
    settings: hostNetworkSettingsSchema,
    things: z.array(z.strictObject({ kind: networkKindSchema, id: hostIdSchema })),
  }),
  /** A machine without a port uses the host's own network: the address is put on the uplink for it. */
  z.strictObject({
    do: z.literal('assign'),
    settings: hostNetworkSettingsSchema,
    address: hostIdSchema,
    machine: hostMachineSchema.nullable(),
  }),
  /** Makes again what the journal wants, after a boot or a crash. */
  z.strictObject({ do: z.literal('restore'), settings: hostNetworkSettingsSchema }),
  /** Moves floating addresses away from machines that stop answering, until it is ended; answers a line for each move. */
  z.strictObject({
    do: z.literal('watch'),
    settings: hostNetworkSettingsSchema,
    intervalMs: z.int().min(50).default(300),
  }),
  /** Asks the kernel and the switch; null: of every owner. */
  z.strictObject({
    do: z.literal('list'),
    settings: hostNetworkSettingsSchema,
    owner: z.string().nullable(),
  }),
]);
export type HostNetworkCommand = z.infer<typeof hostNetworkCommandSchema>;

/** `degraded`: it is wanted and not, or not wholly, there; `detail` says what is missing. */
const observedSchema = z.object({
  id: z.string(),
  tag: hostTagSchema,
  state: z.enum(['up', 'degraded']),
  detail: z.string(),
  createdAt: z.iso.datetime(),
});
export const hostNetworkThingSchema = z.discriminatedUnion('kind', [
  observedSchema.extend({
    kind: z.literal('network'),
    device: z.string(),
    segment: z.int().nullable(),
    cidrs: z.array(z.string()),
    gateways: z.array(z.string()),
  }),
  observedSchema.extend({
    kind: z.literal('port'),
    machine: z.string(),
    network: z.string(),
    device: z.string(),
    /** The interface's name in its namespace; a tap has none. */
    inside: z.string().nullable(),
    mac: z.string(),
    addresses: z.array(z.string()),
    counters: z.object({ received: z.int(), sent: z.int(), refused: z.int() }),
  }),
  observedSchema.extend({ kind: z.literal('group'), rules: z.array(securityRuleSchema) }),
  observedSchema.extend({
    kind: z.literal('address'),
    address: z.string(),
    assignedTo: z.string().nullable(),
  }),
]);
export type HostNetworkThing = z.infer<typeof hostNetworkThingSchema>;

/** Where block volumes are kept on a host. */
export const hostVolumeSettingsSchema = z.strictObject({
  /** Volumes and snapshots are sparse files here: best on XFS or btrfs, whose copies share blocks. */
  dir: absolutePathSchema.default('/var/lib/medusa/volumes'),
});
export type HostVolumeSettings = z.infer<typeof hostVolumeSettingsSchema>;

const volumeTarget = { settings: hostVolumeSettingsSchema, id: hostIdSchema };
export const hostVolumeCommandSchema = z.discriminatedUnion('do', [
  z.strictObject({
    do: z.literal('create'),
    ...volumeTarget,
    tag: hostTagSchema,
    sizeMiB: z.int().positive(),
    source: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('blank') }),
      z.strictObject({ kind: z.enum(['volume', 'snapshot']), id: hostIdSchema }),
    ]),
  }),
  z.strictObject({ do: z.literal('snapshot'), ...volumeTarget, tag: hostTagSchema, volume: hostIdSchema }),
  z.strictObject({ do: z.literal('revert'), ...volumeTarget, snapshot: hostIdSchema }),
  /** `link`: a symbolic link to the device is put there for the machine, e.g. in its folder. */
  z.strictObject({
    do: z.literal('attach'),
    ...volumeTarget,
    machine: hostMachineSchema,
    link: absolutePathSchema.nullable(),
  }),
  z.strictObject({ do: z.literal('detach'), ...volumeTarget }),
  z.strictObject({ do: z.literal('remove'), ...volumeTarget, kind: z.enum(['volume', 'snapshot']) }),
  z.strictObject({
    do: z.literal('list'),
    settings: hostVolumeSettingsSchema,
    owner: z.string().nullable(),
  }),
]);
export type HostVolumeCommand = z.infer<typeof hostVolumeCommandSchema>;

export const hostVolumeThingSchema = z.object({
  kind: z.enum(['volume', 'snapshot']),
  id: z.string(),
  tag: hostTagSchema,
  sizeMiB: z.int(),
  /** A snapshot's volume. */
  volume: z.string().nullable(),
  attachedTo: z.object({ machine: z.string(), device: z.string().nullable() }).nullable(),
  state: z.enum(['up', 'degraded']),
  detail: z.string(),
  createdAt: z.iso.datetime(),
});
export type HostVolumeThing = z.infer<typeof hostVolumeThingSchema>;

/** Either what there is now (of the things named, or all that were asked for), or why not. */
export const hostAnswerSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), things: z.array(z.unknown()) }),
  z.object({
    ok: z.literal(false),
    fault: z.enum(['not-found', 'conflict', 'capacity', 'invalid', 'transient', 'unknown-outcome']),
    message: z.string(),
  }),
]);
export type HostAnswer = z.infer<typeof hostAnswerSchema>;
