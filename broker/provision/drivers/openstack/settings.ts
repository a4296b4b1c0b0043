import { z } from 'zod';

/** Ironic's own name for a node is unique; so is its resource class's size `baremetal:<class>`. */
const bareMetalNodeSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/),
  /** Ironic's hardware type, e.g. `redfish`, `ipmi`. */
  driver: z.string().min(1).max(100),
  resourceClass: z.string().min(1).max(80),
  /** Where its management controller answers, e.g. `redfish_address`. What is secret there belongs into the credentials. */
  driverInfo: z.record(z.string(), z.string()).default({}),
  properties: z.strictObject({
    cpus: z.int().positive(),
    memory_mb: z.int().positive(),
    local_gb: z.int().positive(),
    cpu_arch: z.enum(['x86_64', 'aarch64']),
  }),
  macs: z.array(z.mac()).min(1),
});
export type BareMetalNode = z.infer<typeof bareMetalNodeSchema>;

export const settingsSchema = z.strictObject({
  /** Keystone, e.g. `https://cloud.example.org:5000/v3`. */
  authUrl: z.url({ protocol: /^https?$/ }),
  /** Every origin the cloud's catalogue may name, besides Keystone's: nothing else is ever reached. */
  origins: z.array(z.url({ protocol: /^https?$/ })),
  /** PEM of the authority that signed the cloud's certificates, when it is not a public one. */
  ca: z.string().optional(),
  region: z.string().min(1).nullable().default(null),
  interface: z.enum(['public', 'internal', 'admin']).default('public'),
  /** Not needed with an application credential, which knows its project. */
  project: z.string().min(1).nullable().default(null),
  projectDomain: z.string().min(1).default('Default'),
  /** Id or name. Machines that name no network go there; null leaves it to the cloud, which must then have one only. */
  defaultNetwork: z.string().min(1).nullable().default(null),
  /** Id or name of where floating addresses come from; null: the only external one. */
  externalNetwork: z.string().min(1).nullable().default(null),
  /** For flat and VLAN networks, which only an administrator of the cloud may make. */
  physicalNetwork: z.string().min(1).nullable().default(null),
  /** User data on a disk of its own, for clouds without a metadata service. */
  configDrive: z.boolean().default(false),
  /** Offers Ironic's free machines as sizes `baremetal:<resource class>`. These nodes are enrolled when they are not known there. */
  bareMetal: z
    .strictObject({ nodes: z.array(bareMetalNodeSchema).default([]) })
    .nullable()
    .default(null),
});
export type OpenstackSettings = z.infer<typeof settingsSchema>;

/** By node, e.g. `{ "bm-1": { "redfish_password": "…" } }`: joined with `driverInfo` when the node is enrolled. */
const bareMetal = z.record(z.string(), z.record(z.string(), z.string())).default({});

export const credentialsSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('password'),
    username: z.string().min(1),
    password: z.string().min(1),
    userDomain: z.string().min(1).default('Default'),
    bareMetal,
  }),
  z.strictObject({
    kind: z.literal('application-credential'),
    id: z.string().min(1),
    secret: z.string().min(1),
    bareMetal,
  }),
]);
export type OpenstackCredentials = z.infer<typeof credentialsSchema>;
