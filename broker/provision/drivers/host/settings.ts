import { cidrSchema, hostNetworkSettingsSchema, hostVolumeSettingsSchema } from '@medusa/protocol';
import { z } from 'zod';

/** A program and its first arguments, by absolute path: nothing is looked up on the host. */
export const programSchema = z
  .tuple([z.string().regex(/^\/[A-Za-z0-9_./-]+$/)])
  .rest(z.string().regex(/^[A-Za-z0-9_./:=@-]+$/));

/** How a plain host makes networks; needs root there. */
export const hostNetworkingSchema = z.strictObject({
  program: programSchema,
  ...hostNetworkSettingsSchema.shape,
  /** Floating addresses by the name of their pool. */
  addressPools: z.record(z.string(), z.array(cidrSchema).min(1)).default({}),
  /** Hooks of every network made here. */
  hooks: z.array(z.string()).default([]),
});
export type HostNetworking = z.infer<typeof hostNetworkingSchema>;

export const hostStorageSchema = z.strictObject({
  program: programSchema,
  ...hostVolumeSettingsSchema.shape,
});
export type HostStorage = z.infer<typeof hostStorageSchema>;
