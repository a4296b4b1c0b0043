import { z } from 'zod';
import { sizeSettingsSchema } from '../../port/sizes.ts';

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);

/**
 * Either the daemon's unix socket, or its HTTPS address with a client certificate that it trusts.
 * LXD's own bridges apply ACLs to a whole network: see `security-groups.ts`.
 */
export const lxdSettingsSchema = z
  .strictObject({
    socketPath: z.string().startsWith('/').optional(),
    url: z.url({ protocol: /^https$/ }).optional(),
    /** The name in the server's own certificate, when the URL has another (LXD names its host and 127.0.0.1 in it). */
    serverName: z.string().optional(),
    project: name.default('default'),
    instanceType: z.enum(['container', 'virtual-machine']).default('container'),
    /** Where volumes lie that name no pool. */
    storagePool: name.default('default'),
    profiles: z.array(name).default(['default']),
    /** The network of machines that name none. `null`: what the profiles say. */
    network: name.nullable().default(null),
    sizes: sizeSettingsSchema,
    /** LXD devices that machines with a GPU in their size get, e.g. `{ "gpu": { "type": "gpu", "gputype": "physical" } }`. */
    gpuDevices: z
      .record(name, z.looseObject({ type: z.enum(['gpu', 'unix-char']) }).catchall(z.string()))
      .default({ gpu: { type: 'gpu', gputype: 'physical' } }),
    /** Floating addresses: forwards of a bridge. The addresses must lead to this host. */
    addressPools: z
      .array(z.strictObject({ name, network: name, cidr: z.union([z.cidrv4(), z.cidrv6()]) }))
      .default([]),
    /** Networks made by others on which security groups may be set, for all machines there. Ours always take them. */
    groupNetworks: z.array(name).default([]),
    /** How long a machine may take to shut down by itself before it is stopped. */
    stopSeconds: z.int().min(1).max(600).default(20),
    /** How long a background operation of LXD may take. */
    operationSeconds: z.int().min(1).max(3_600).default(300),
  })
  .refine(({ socketPath, url }) => (socketPath === undefined) !== (url === undefined), {
    message: 'either socketPath or url',
    path: ['url'],
  });
export type LxdSettings = z.infer<typeof lxdSettingsSchema>;

/** PEM texts. `serverCertificate` pins the server's own, self-signed certificate. */
export const lxdCredentialsSchema = z.strictObject({
  certificate: z.string().optional(),
  key: z.string().optional(),
  serverCertificate: z.string().optional(),
});
export type LxdCredentials = z.infer<typeof lxdCredentialsSchema>;
