import { architectureSchema } from '@medusa/protocol';
import { z } from 'zod';

const labelValue = z.string().max(63);
const dnsName = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'a DNS name (RFC 1123)');

/** A bearer token must not travel in the clear, except to this very machine. */
const serverSchema = z.url({ protocol: /^https?$/ }).refine((text) => {
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
}, 'https, or http on this machine');

const sizeSchema = z.strictObject({
  id: dnsName,
  name: z.string().max(100).optional(),
  cpus: z.number().positive().max(1_024),
  memoryMiB: z.int().min(16).max(16_777_216),
  gpus: z.int().min(0).max(64).default(0),
  architecture: architectureSchema.nullable().default(null),
});
export type Size = z.infer<typeof sizeSchema>;

/**
 * One namespace of one cluster, reached with what is given here alone: neither a kubeconfig nor the broker's own service account is looked for.
 */
export const settingsSchema = z.strictObject({
  server: serverSchema,
  /** PEM of the cluster's authority. Absent: the system's authorities. */
  ca: z.string().max(100_000).optional(),
  namespace: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'a DNS label')
    .default('medusa'),
  /** What may run here: the id is the reference of an OCI image, best with its digest. */
  images: z
    .array(
      z.strictObject({
        id: z.string().min(1).max(200),
        name: z.string().max(100).optional(),
        architecture: architectureSchema.nullable().default(null),
      }),
    )
    .min(1),
  /** Empty: sizes are made from what the nodes have. */
  sizes: z.array(sizeSchema).default([]),
  /** The extended resource a GPU is asked for by, e.g. `amd.com/gpu`. */
  gpuResource: z
    .string()
    .regex(/^[a-z0-9.-]+\/[A-Za-z0-9._-]+$/)
    .default('nvidia.com/gpu'),
  /** Media at the node's own address, without address translation. Their ports are the node's: then it has one machine of ours. */
  hostNetwork: z.boolean().default(false),
  runtimeClass: dnsName.optional(),
  /** The user that programs of a machine run as; never root. */
  runAsUser: z.int().min(1).max(4_294_967_294).default(10_001),
  /** Size of `/dev/shm`, counted against the machine's memory: displays and browsers need more than the usual 64 MiB. */
  sharedMemoryMiB: z.int().min(64).max(1_048_576).default(512),
  imagePullSecrets: z.array(dnsName).default([]),
  nodeSelector: z.record(z.string(), labelValue).default({}),
  tolerations: z
    .array(
      z.strictObject({
        key: z.string().max(317),
        value: labelValue.optional(),
        effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
      }),
    )
    .default([]),
  /** A machine that found no place, or did not get its image, for so long is told as failed. */
  startWithinSeconds: z.int().min(1).max(86_400).default(180),
  /**
   * Volumes of a pod are fixed when it is made. With this, attaching and detaching a volume makes the pod again, with all that
   * runs in it lost; without, both are refused.
   */
  recreateToAttach: z.boolean().default(false),
  /** Each volume is mounted under its name here. */
  mountFolder: z
    .string()
    .regex(/^\/[\w./-]+$/, 'an absolute path')
    .default('/volumes'),
  snapshotClass: dnsName.optional(),
});
export type Settings = z.infer<typeof settingsSchema>;

/** A bearer token, or a client certificate with its key (PEM). */
export const credentialsSchema = z.union([
  z.strictObject({ token: z.string().min(1).max(16_384) }),
  z.strictObject({ certificate: z.string().min(1).max(65_536), key: z.string().min(1).max(65_536) }),
]);
export type Credentials = z.infer<typeof credentialsSchema>;
