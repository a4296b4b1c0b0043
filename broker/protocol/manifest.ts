import { z } from 'zod';
import { architectureSchema, cidrSchema } from './provision.ts';

/** Only characters that XML 1.0 §2.2 knows, so that every manifest has a document. */
const xmlText = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;
const text = z.string().min(1).max(4_096).regex(xmlText, 'has a character that XML does not know');
const word = text.max(200);
/** As Cordscript can name it; `accords:coss` occurs in the field. */
const nodeName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z_][A-Za-z0-9_:-]*$/, 'is not a name: letters, digits, "_", ":" and "-", a letter first');
/** Binary: 1 GiB = 2^30 bytes. */
const gibibytes = z.number().min(0.001).max(1_000_000_000);
const portNumber = z.int().min(0).max(65_535);

/** What every CORDS element may carry. `state` is the category's state in an ACCORDS platform. */
const identity = { id: word.optional(), name: word.optional(), state: z.int().optional() };

const portSchema = z.strictObject({
  ...identity,
  protocol: z.enum(['tcp', 'udp', 'icmp', 'any']).default('tcp'),
  fromPort: portNumber.optional(),
  toPort: portNumber.optional(),
  /** Who may reach it, or whom it may reach; nothing = everybody. */
  range: cidrSchema.optional(),
  direction: z.enum(['none', 'in', 'out', 'inout']).default('in'),
  target: word.optional(),
});
export type ManifestPort = z.infer<typeof portSchema>;

const volumeSchema = z.strictObject({ ...identity, sizeGiB: gibibytes.optional(), type: word.optional() });

/** `sizeGiB` is the machine's own disk; volumes are beside it and outlive it. */
const storageSchema = z.strictObject({
  ...identity,
  sizeGiB: gibibytes.optional(),
  type: word.optional(),
  volumes: z.array(volumeSchema).max(100).default([]),
});

const networkSchema = z.strictObject({
  ...identity,
  label: word.optional(),
  /** `true`, an IEEE 802.1Q number, or a bandwidth as `100M`. */
  vlan: word.optional(),
  ports: z.array(portSchema).max(200).default([]),
});

const gpuSchema = z.strictObject({
  ...identity,
  count: z.int().min(1).max(64).default(1),
  model: word.optional(),
  memoryGiB: gibibytes.optional(),
  /** Hardware video encoder, e.g. `nvenc`. */
  encoder: word.optional(),
});

const computeSchema = z.strictObject({
  ...identity,
  architecture: architectureSchema.optional(),
  hostname: word.optional(),
  cores: z.number().min(0.01).max(10_000).optional(),
  speedGHz: z.number().min(0.001).max(1_000).optional(),
  memoryGiB: gibibytes.optional(),
  gpu: gpuSchema.optional(),
});

const infrastructureSchema = z.strictObject({
  ...identity,
  compute: computeSchema.optional(),
  network: networkSchema.optional(),
  storage: storageSchema.optional(),
});

const software = {
  ...identity,
  version: word.optional(),
  distribution: word.optional(),
  description: text.optional(),
  constraint: text.optional(),
  requirement: text.optional(),
  price: word.optional(),
  license: word.optional(),
};
const systemSchema = z.strictObject(software);

const packageSchema = z.strictObject({
  ...software,
  /** How it is installed and configured: commands, which nobody answers. */
  installation: text.optional(),
  configuration: text.optional(),
  mirrors: text.optional(),
  ports: z.array(portSchema).max(200).default([]),
});
export type ManifestPackage = z.infer<typeof packageSchema>;

const imageSchema = z.strictObject({
  ...identity,
  vm: text.optional(),
  /** What runs commands in the guest. */
  agent: word.default('cosacs'),
  price: word.optional(),
  system: systemSchema.optional(),
  packages: z.array(packageSchema).max(500).default([]),
});

const nodeSchema = z.strictObject({
  ...identity,
  name: nodeName,
  provider: word.default('any'),
  operator: word.default('any'),
  profile: word.optional(),
  access: z.enum(['private', 'public']).default('private'),
  category: word.default('manifest'),
  /** `common`: one contract for all services; `public` and `common`: shared by manifests too. */
  scope: z.enum(['normal', 'common']).default('normal'),
  /** `simple`, or the name of another manifest: a complex node. */
  type: word.default('simple'),
  entry: word.default('none'),
  firewall: text.optional(),
  cordscript: text.optional(),
  infrastructure: infrastructureSchema.optional(),
  image: imageSchema.optional(),
});
export type ManifestNode = z.infer<typeof nodeSchema>;

const actionSchema = z.strictObject({
  ...identity,
  type: word.default('cordscript'),
  expression: z
    .string()
    .min(1)
    .max(20_000)
    .regex(xmlText, 'has a character that XML does not know')
    .optional(),
});

const sectionSchema = z.strictObject({ ...identity, actions: z.array(actionSchema).max(1_000).default([]) });
export type ManifestSection = z.infer<typeof sectionSchema>;

const userSchema = z.strictObject({ ...identity, email: word.optional(), role: word.optional() });

const accountSchema = z.strictObject({
  ...identity,
  number: word.optional(),
  security: word.optional(),
  legal: text.optional(),
  users: z.array(userSchema).max(100).default([]),
});

const securitySchema = z.strictObject({ ...identity, level: word.optional(), scheme: word.optional() });

const priceSchema = z.strictObject({
  ...identity,
  operator: word.optional(),
  description: text.optional(),
  currency: word.optional(),
  fixed: word.optional(),
  rate: word.optional(),
  units: word.optional(),
  period: word.optional(),
});

const quantity = z.number().min(0).max(1e15);
const quotaSchema = z.strictObject({
  ...identity,
  property: word.optional(),
  description: text.optional(),
  operator: word.optional(),
  zone: word.optional(),
  opinion: word.optional(),
  ceiling: quantity.optional(),
  offered: quantity.optional(),
  reserved: quantity.optional(),
  consumed: quantity.optional(),
  granularity: quantity.default(1),
  units: word.optional(),
  price: priceSchema.optional(),
});

/** A preference, or what a provider offers. */
const providerPreferenceSchema = z.strictObject({
  ...identity,
  identity: word.optional(),
  category: word.optional(),
  profile: word.optional(),
  operator: word.optional(),
  zone: word.optional(),
  opinion: word.optional(),
  security: word.optional(),
  price: word.optional(),
  quotas: z.array(quotaSchema).max(200).default([]),
});

/** What a parser says in the document itself. */
const remarkSchema = z.strictObject({
  code: word.optional(),
  message: text.optional(),
  state: z.int().optional(),
});

/** A CORDS manifest (Compatible One Resource and Request Description Schema, 2.07 to 2.15), as JSON. A thing with nothing but its name is described elsewhere. */
export const manifestSchema = z
  .strictObject({
    ...identity,
    name: word,
    plan: text.optional(),
    zone: word.optional(),
    descriptions: z.array(text.trim().min(1)).max(20).default([]),
    security: securitySchema.optional(),
    account: accountSchema.optional(),
    configuration: sectionSchema.optional(),
    release: sectionSchema.optional(),
    interface: sectionSchema.optional(),
    providers: z.array(providerPreferenceSchema).max(50).default([]),
    nodes: z.array(nodeSchema).max(200).default([]),
    errors: z.array(remarkSchema).max(1_000).default([]),
    warnings: z.array(remarkSchema).max(1_000).default([]),
    choices: z.array(remarkSchema).max(1_000).default([]),
  })
  .superRefine(({ nodes }, context) => {
    const seen = new Set<string>();
    nodes.forEach(({ name }, index) => {
      if (seen.has(name))
        context.addIssue({
          code: 'custom',
          path: ['nodes', index, 'name'],
          message: `there is another node ${name}`,
        });
      seen.add(name);
    });
  });
export type Manifest = z.infer<typeof manifestSchema>;

/** What is wrong or odd about a manifest: a sentence, the JSON pointer of the part (RFC 6901), and its place in a document, from 1. */
export const manifestProblemSchema = z.object({
  /** With an error there is no manifest; with a warning something was left out or is doubtful. */
  severity: z.enum(['error', 'warning']),
  pointer: z.string(),
  line: z.int().nullable(),
  column: z.int().nullable(),
  message: z.string(),
});
export type ManifestProblem = z.infer<typeof manifestProblemSchema>;

/** What keeps a manifest from being deployed by itself: a section that is missing, or a step that would need a person. */
export const manifestFindingSchema = z.object({
  section: z.enum([
    'base-system',
    'dependencies',
    'configuration',
    'pre-start',
    'security',
    'account',
    'termination',
    'interaction',
  ]),
  pointer: z.string(),
  message: z.string(),
});
export type ManifestFinding = z.infer<typeof manifestFindingSchema>;
