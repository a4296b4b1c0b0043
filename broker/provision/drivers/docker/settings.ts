import { z } from 'zod';
import { sizeSettingsSchema } from '../../port/index.ts';

/** A Docker Engine, or what answers like one (Podman's service), by unix socket or by TLS with a client certificate. */
export const dockerSettingsSchema = z
  .strictObject({
    socketPath: z.string().startsWith('/').optional(),
    url: z.url({ protocol: /^https$/ }).optional(),
    /** The network of machines that name none. */
    network: z.string().min(1).default('bridge'),
    sizes: sizeSettingsSchema,
    /** The device driver that hands out GPUs. */
    gpuDriver: z.string().default('nvidia'),
    /** What a root file system starts, when it is taken in as an image. */
    initCommand: z.array(z.string()).min(1).default(['/sbin/init']),
    /** Shared memory of each machine: browsers and X servers need more than Docker's 64 MiB. */
    shmMiB: z.int().min(1).default(512),
    /** `name:address` pairs; `host-gateway` stands for the host. */
    extraHosts: z.array(z.string()).default([]),
    stopSeconds: z.int().min(1).max(600).default(20),
  })
  .refine(({ socketPath, url }) => (socketPath === undefined) !== (url === undefined), {
    message: 'either socketPath or url',
    path: ['url'],
  });
export type DockerSettings = z.infer<typeof dockerSettingsSchema>;

/** PEM texts. */
export const dockerCredentialsSchema = z.strictObject({
  ca: z.string().optional(),
  certificate: z.string().optional(),
  key: z.string().optional(),
});
export type DockerCredentials = z.infer<typeof dockerCredentialsSchema>;
