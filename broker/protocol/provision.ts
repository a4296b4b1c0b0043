import { z } from 'zod';
import { instantSchema, nodeIdSchema } from './ids.ts';

/** Names that administrators give: also parts of names at providers, which must stay within 63 characters (RFC 1123). */
const slugOf = (most: number): z.ZodString =>
  z
    .string()
    .max(most, `at most ${most} characters`)
    .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'lower case letters, digits and hyphens');
const slug = slugOf(32);
export const providerIdSchema = slug.brand<'ProviderId'>();
export type ProviderId = z.infer<typeof providerIdSchema>;
/** Its nodes are `<pool>-<number>`. */
export const poolIdSchema = slugOf(24).brand<'PoolId'>();
export type PoolId = z.infer<typeof poolIdSchema>;
/** A machine's resource id is the id of the node that runs in it. */
export const resourceIdSchema = slug.brand<'ResourceId'>();
export type ResourceId = z.infer<typeof resourceIdSchema>;

export const providerKindSchema = z.enum([
  'local',
  'ssh',
  'openstack',
  'lxd',
  'libvirt',
  'docker',
  'kubernetes',
  'ec2',
  'azure',
  'opennebula',
  'deltacloud',
  'cimi',
  'xenserver',
  'redfish',
  'simulated',
]);
export type ProviderKind = z.infer<typeof providerKindSchema>;

export const resourceKindSchema = z.enum([
  'machine',
  'volume',
  'snapshot',
  'network',
  'address',
  'security-group',
  'image',
]);
export type ResourceKind = z.infer<typeof resourceKindSchema>;

/** CPU architectures, in the words of Node's `process.arch`. */
export const architectureSchema = z.enum(['x64', 'arm64', 'riscv64']);
export type Architecture = z.infer<typeof architectureSchema>;

/** What a provider offers. Ids are the provider's. */
export const providerCatalogSchema = z.object({
  images: z.array(
    z.object({ id: z.string(), name: z.string(), architecture: architectureSchema.nullable() }),
  ),
  sizes: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      cpus: z.number(),
      memoryMiB: z.int(),
      diskGiB: z.number().nullable(),
      gpu: z.object({ model: z.string(), count: z.int() }).nullable(),
      /** Hardware video encoder, e.g. `nvenc`. */
      encoder: z.string().nullable(),
      architecture: architectureSchema.nullable(),
    }),
  ),
  zones: z.array(z.string()),
  /** Networks that were there before us. */
  networks: z.array(z.object({ id: z.string(), name: z.string(), isExternal: z.boolean() })),
  volumeTypes: z.array(z.string()),
});
export type ProviderCatalog = z.infer<typeof providerCatalogSchema>;

export const providerQuotaSchema = z.object({
  name: z.string(),
  used: z.number(),
  /** null = no limit is known. */
  limit: z.number().nullable(),
  unit: z.string(),
});
export type ProviderQuota = z.infer<typeof providerQuotaSchema>;

export const providerViewSchema = z.object({
  id: providerIdSchema,
  kind: providerKindSchema,
  title: z.string(),
  /** As configured; no secret is among them. */
  settings: z.record(z.string(), z.unknown()),
  hasCredentials: z.boolean(),
  isEnabled: z.boolean(),
  capabilities: z.array(z.string()),
  health: z.object({
    state: z.enum(['unknown', 'reachable', 'failing']),
    reason: z.string(),
    version: z.string().nullable(),
    latencyMs: z.number().nullable(),
    checkedAt: instantSchema.nullable(),
  }),
  quotas: z.array(providerQuotaSchema),
  counts: z.record(resourceKindSchema, z.int()),
});
export type ProviderView = z.infer<typeof providerViewSchema>;

/** How a provider of a kind is set up, as JSON Schemas (draft 2020-12): forms are made from them. */
export const providerKindViewSchema = z.object({
  kind: providerKindSchema,
  title: z.string(),
  settings: z.record(z.string(), z.unknown()),
  credentials: z.record(z.string(), z.unknown()),
});
export type ProviderKindView = z.infer<typeof providerKindViewSchema>;

/** Creates a provider, or replaces its settings. Credentials left out keep what is stored. */
export const putProviderSchema = z.strictObject({
  kind: providerKindSchema,
  title: z.string().min(1).max(100),
  settings: z.record(z.string(), z.unknown()),
  credentials: z.record(z.string(), z.unknown()).optional(),
  isEnabled: z.boolean().default(true),
});
export type PutProvider = z.infer<typeof putProviderSchema>;

export const cidrSchema = z.union([z.cidrv4(), z.cidrv6()]);

/** IEEE 802.1Q VLAN 1–4094, RFC 7348 VXLAN network identifier 1–16777215. */
export const networkSpecSchema = z.strictObject({
  kind: z.literal('network'),
  tenant: slug,
  type: z.enum(['flat', 'vlan', 'vxlan']),
  segment: z.int().min(1).max(16_777_215).nullable().default(null),
  /** At most one for IPv4 and one for IPv6. null: one is chosen that overlaps with none we know. */
  cidrs: z.array(cidrSchema).max(2).nullable().default(null),
  /** Whether the provider hands out addresses (RFC 2131), or each machine is given a static one. */
  dhcp: z.boolean().default(true),
  /** Reaches beyond itself through address translation. */
  hasGateway: z.boolean().default(true),
});
export type NetworkSpec = z.infer<typeof networkSpecSchema>;

export const securityRuleSchema = z.strictObject({
  direction: z.enum(['in', 'out']),
  protocol: z.enum(['tcp', 'udp', 'icmp', 'any']),
  fromPort: z.int().min(1).max(65_535).nullable().default(null),
  toPort: z.int().min(1).max(65_535).nullable().default(null),
  /** A CIDR, or `group`: members of this same group. */
  remote: z.union([cidrSchema, z.literal('group')]),
});
export type SecurityRule = z.infer<typeof securityRuleSchema>;

export const powerSchema = z.enum(['on', 'off', 'suspended']);
export type Power = z.infer<typeof powerSchema>;

/** RFC 4253 §6.6 as OpenSSH writes it: type, base64, a comment. */
const publicKeySchema = z
  .string()
  .max(16_000)
  .regex(/^(ssh|ecdsa|sk)-[a-z0-9@.-]{1,60} [A-Za-z0-9+/]+={0,2}( [^\r\n]*)?$/, 'no public key of OpenSSH');

export const machineSpecSchema = z.strictObject({
  kind: z.literal('machine'),
  /** What joins from in it; `plain` machines are not expected to join. */
  role: z.enum(['render', 'storage', 'plain']),
  image: z.string().min(1).max(200),
  size: z.string().min(1).max(200),
  zone: z.string().max(200).nullable().default(null),
  /** Resource ids of ours, or `ref:<id>` of the provider. */
  networks: z.array(z.string()).default([]),
  securityGroups: z.array(resourceIdSchema).default([]),
  slots: z.int().positive().nullable().default(null),
  power: powerSchema.default('on'),
  /** Imported at the provider for as long as the machine is there; it lets its owner in by SSH. */
  publicKey: publicKeySchema.optional(),
  /** The key under which what its user gave it at the start is kept, sealed. */
  userData: z.uuid().optional(),
  /** Replaced with a new incarnation when it changes: see rolling replacement of a pool. */
  revision: z.string().max(100).default('1'),
});
export type MachineSpec = z.infer<typeof machineSpecSchema>;

export const imageSpecSchema = z.strictObject({
  kind: z.literal('image'),
  role: z.enum(['render', 'storage']),
  architecture: architectureSchema,
  format: z.enum(['qcow2', 'raw', 'rootfs-tar', 'oci-tar']),
});
export type ImageSpec = z.infer<typeof imageSpecSchema>;

export const volumeSpecSchema = z.strictObject({
  kind: z.literal('volume'),
  sizeGiB: z.int().min(1).max(100_000),
  type: z.string().max(200).nullable().default(null),
  zone: z.string().max(200).nullable().default(null),
  source: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('blank') }),
      z.strictObject({ kind: z.enum(['snapshot', 'volume']), resource: resourceIdSchema }),
    ])
    .default({ kind: 'blank' }),
  attachedTo: resourceIdSchema.nullable().default(null),
  /** Such a volume is never deleted by a sweep: it waits on the hold list for a person. */
  holdsPatientData: z.boolean().default(true),
});

export const securityGroupSpecSchema = z.strictObject({
  kind: z.literal('security-group'),
  tenant: slug,
  rules: z.array(securityRuleSchema).max(200),
});

/** What an administrator wants there to be. */
export const resourceSpecSchema = z.discriminatedUnion('kind', [
  machineSpecSchema,
  networkSpecSchema,
  imageSpecSchema,
  volumeSpecSchema,
  z.strictObject({ kind: z.literal('snapshot'), volume: resourceIdSchema }),
  z.strictObject({
    kind: z.literal('address'),
    /** The provider's external network or address pool. */
    from: z.string().max(200).nullable().default(null),
    assignedTo: resourceIdSchema.nullable().default(null),
    /** Machines that take it over, in this order, when the one that has it fails. */
    failover: z.array(resourceIdSchema).default([]),
  }),
  securityGroupSpecSchema,
]);
export type ResourceSpec = z.infer<typeof resourceSpecSchema>;

/**
 * planned → creating → (joining →) ready ⇄ degraded; ready → draining → destroying → absent.
 * `quarantined`: the outcome of a call is not known and is being found out. `held`: not wanted, but kept for a person to decide.
 * `error`: it cannot go on without a change; `reason` says why.
 */
export const resourcePhaseSchema = z.enum([
  'planned',
  'creating',
  'joining',
  'ready',
  'degraded',
  'draining',
  'destroying',
  'quarantined',
  'held',
  'error',
  'absent',
]);
export type ResourcePhase = z.infer<typeof resourcePhaseSchema>;

export const resourceViewSchema = z.object({
  id: resourceIdSchema,
  provider: providerIdSchema,
  pool: poolIdSchema.nullable(),
  spec: resourceSpecSchema,
  phase: resourcePhaseSchema,
  reason: z.string(),
  isWanted: z.boolean(),
  incarnation: z.int(),
  ref: z.string().nullable(),
  addresses: z.array(z.string()),
  /** Of a machine as it was last seen at the provider. */
  power: powerSchema.optional(),
  /** What it waits for, since when, and how long that usually takes (median of the last ones of its kind here). */
  waiting: z
    .object({ step: z.string(), since: instantSchema, typicalSeconds: z.number().nullable() })
    .nullable(),
  liveSessions: z.int(),
  nextTryAt: instantSchema.nullable(),
  createdAt: instantSchema,
  changedAt: instantSchema,
});
export type ResourceView = z.infer<typeof resourceViewSchema>;

/** One line of the event log. `step` events are timed: what was asked of the provider, and how it ended. */
export const provisionEventSchema = z.object({
  sequence: z.int(),
  at: instantSchema,
  provider: providerIdSchema.nullable(),
  resource: resourceIdSchema.nullable(),
  kind: z.enum(['step', 'phase', 'adopted', 'swept', 'held', 'pool', 'provider', 'admin']),
  outcome: z.enum(['ok', 'failed', 'unknown']),
  text: z.string(),
  durationMs: z.number().nullable(),
});
export type ProvisionEvent = z.infer<typeof provisionEventSchema>;

/** Something moved: ask anew for what is shown. The log's new lines come along, newest last, and how many more there were. */
export const provisionChangeSchema = z.object({ events: z.array(provisionEventSchema), missed: z.int() });
export type ProvisionChange = z.infer<typeof provisionChangeSchema>;

const minuteOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'HH:MM');
export const poolPolicySchema = z.strictObject({
  min: z.int().min(0).max(10_000),
  max: z.int().min(0).max(10_000),
  /** Free slots to keep: a number, or a share of those in use. */
  buffer: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('slots'), slots: z.int().min(0) }),
      z.strictObject({ kind: z.literal('percent'), percent: z.number().min(0).max(500) }),
    ])
    .default({ kind: 'slots', slots: 0 }),
  /** At these times of the week at least so many nodes; times are in `timeZone` (IANA name). */
  schedule: z
    .array(
      z.strictObject({
        days: z.array(z.int().min(1).max(7)).min(1),
        from: minuteOfDay,
        to: minuteOfDay,
        min: z.int().min(0),
      }),
    )
    .default([]),
  timeZone: z.string().default('UTC'),
  /** Pre-warms for the arrivals seen at this hour of the week before, so that at most this share has to wait. */
  forecast: z
    .strictObject({ blocking: z.number().min(0.0001).max(0.5) })
    .nullable()
    .default(null),
  /** More free slots while sessions are foreseen, at most so many: by the worklist, by the calendar of reservations, or by both. */
  preWarm: z
    .strictObject({
      by: z.enum(['off', 'worklist', 'calendar', 'both']),
      slots: z.int().min(0).max(1_000).default(2),
    })
    .default({ by: 'both', slots: 2 }),
  /** How long a surplus node stays before it is drained. */
  scaleDownAfterSeconds: z.int().min(0).default(600),
});
export type PoolPolicy = z.infer<typeof poolPolicySchema>;

export const putPoolSchema = z.strictObject({
  /** In order of preference: the next one is asked when one has no capacity. */
  providers: z.array(providerIdSchema).min(1),
  machine: machineSpecSchema,
  policy: poolPolicySchema,
  /** Remediation stops and an alarm is shown when more than this share of the pool is unhealthy. */
  maxUnhealthyPercent: z.number().min(0).max(100).default(40),
  joinSeconds: z.int().min(5).max(7_200).default(300),
});
export type PutPool = z.infer<typeof putPoolSchema>;

export const poolViewSchema = putPoolSchema.extend({
  id: poolIdSchema,
  target: z.int(),
  /** Why the target is what it is, in words. */
  targetReason: z.string(),
  counts: z.record(resourcePhaseSchema, z.int()),
  slots: z.object({ total: z.int(), used: z.int() }),
  isBraked: z.boolean(),
  outdated: z.int(),
});
export type PoolView = z.infer<typeof poolViewSchema>;

/** What would be done, in order, before anything is. */
export const provisionPlanSchema = z.object({
  steps: z.array(
    z.object({
      action: z.string(),
      kind: resourceKindSchema,
      provider: providerIdSchema,
      name: z.string(),
      typicalSeconds: z.number().nullable(),
      note: z.string(),
    }),
  ),
  warnings: z.array(z.string()),
});
export type ProvisionPlan = z.infer<typeof provisionPlanSchema>;

export const createResourceSchema = z.strictObject({
  id: resourceIdSchema,
  provider: providerIdSchema,
  spec: resourceSpecSchema,
});

export const resourceActionSchema = z.discriminatedUnion('action', [
  z.strictObject({
    /** `drain`: no new session; `destroy` and `replace` drain first. `release`: lets a held thing go for good. `keep`: takes it off the hold list. */
    action: z.enum(['drain', 'undrain', 'replace', 'destroy', 'restart', 'release', 'keep', 'retry']),
  }),
  z.strictObject({ action: z.literal('power'), power: powerSchema }),
  z.strictObject({ action: z.literal('attach'), machine: resourceIdSchema }),
  z.strictObject({ action: z.literal('detach') }),
  z.strictObject({ action: z.literal('revert'), snapshot: resourceIdSchema }),
  z.strictObject({ action: z.literal('assign'), machine: resourceIdSchema }),
  z.strictObject({ action: z.literal('unassign') }),
]);
export type ResourceAction = z.infer<typeof resourceActionSchema>;

/** A fresh node shows its one-time join token and gets the token it registers with. */
export const joinRequestSchema = z.strictObject({ joinToken: z.string().min(1).max(4_096) });
export const joinedSchema = z.object({ nodeId: nodeIdSchema, nodeToken: z.string() });
