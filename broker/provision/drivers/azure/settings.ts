import { architectureSchema } from '@medusa/protocol';
import { z } from 'zod';

const name = z.string().regex(/^[A-Za-z0-9][\w.()-]{0,88}[A-Za-z0-9_]?$/, 'a name at Azure');
const armId = z
  .string()
  .regex(/^\/subscriptions\/[\w-]+\/resourceGroups\/[^/]+\/providers\/[\w./-]+$/i, 'an id at Azure');

/** Secrets travel to it: not in the clear, except to this very machine. */
const endpointSchema = z.url({ protocol: /^https?$/ }).refine((text) => {
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
}, 'https, or http on this machine');

/** One resource group in one location. Sovereign clouds have other endpoints. */
export const settingsSchema = z.strictObject({
  tenant: z.string().regex(/^[\w.-]{1,100}$/),
  subscription: z.guid(),
  resourceGroup: name,
  location: z.string().regex(/^[a-z0-9-]{2,40}$/),
  /** Where machines lie that ask for no network. */
  subnet: armId,
  authority: endpointSchema.default('https://login.microsoftonline.com'),
  management: endpointSchema.default('https://management.azure.com'),
  adminUser: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,30}$/)
    .default('medusa'),
  /** Machines that ask for no key are given this one: Azure makes no Linux machine without. */
  sshPublicKey: z.string().regex(/^ssh-(rsa|ed25519) [A-Za-z0-9+/=]+/, 'a public key as OpenSSH writes it'),
  /** Besides the images of the resource group: `publisher:offer:sku:version`, or the id of an image. */
  images: z
    .array(
      z.strictObject({
        id: z.union([armId, z.string().regex(/^[^:/]+:[^:/]+:[^:/]+:[^:/]+$/)]),
        name: z.string().max(100).optional(),
        architecture: architectureSchema.nullable().default(null),
      }),
    )
    .default([]),
  /** A compute gallery of the resource group whose images are offered too. */
  gallery: name.optional(),
  /** Sizes to offer; `*` stands for anything. */
  sizes: z
    .array(z.string().regex(/^[\w*-]{1,60}$/))
    .min(1)
    .default(['Standard_NC*', 'Standard_NV*', 'Standard_D*_v5']),
  /** Disks of machines. */
  diskType: z.string().regex(/^\w+$/).default('Premium_LRS'),
  /** Lets machines be suspended: only for sizes that can hibernate. */
  hibernation: z.boolean().default(false),
});
export type Settings = z.infer<typeof settingsSchema>;

export const credentialsSchema = z.strictObject({
  clientId: z.guid(),
  clientSecret: z.string().min(1).max(1_024),
});
export type Credentials = z.infer<typeof credentialsSchema>;
