import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { applicationSchema, nodeIdSchema, zoneSchema } from '@medusa/protocol';

const port = z.coerce.number().int().min(0).max(65_535);
const defaultClientFolder = fileURLToPath(new URL('../client/dist', import.meta.url));
const applications = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('not JSON');
      return z.NEVER;
    }
  })
  .pipe(z.array(applicationSchema));

const environmentSchema = z
  .object({
    MEDUSA_BROKER_URL: z.url(),
    MEDUSA_NODE_ID: nodeIdSchema,
    /** Given to a node that was set up by hand; a provisioned one has a one-time join token instead. */
    MEDUSA_NODE_TOKEN: z.string().min(1).optional(),
    MEDUSA_JOIN_TOKEN: z.string().min(1).optional(),
    /** The one authority that is trusted, as PEM or the name of a file of it; unset: those of the system. */
    MEDUSA_CA: z.string().min(1).optional(),
    MEDUSA_NODE_DIR: z.string().min(1),
    /** Told to browsers; unset: the address from which this machine reaches the broker. */
    MEDUSA_RTC_ADDRESS: z.string().min(1).optional(),
    /** Where the media port listens, when that differs from the address told, as behind address translation. */
    MEDUSA_RTC_BIND: z.string().optional(),
    MEDUSA_RTC_PORT: port,
    /** TCP: where nodes that read next to the data deliver what they draw. */
    MEDUSA_RELAY_PORT: port.default(0),
    /** Nodes of one zone share their paths; unset: the zone of the provider. */
    MEDUSA_ZONE: zoneSchema.optional(),
    /** `private`: people cannot reach the media port, so that only reading parts of sessions are for this node. */
    MEDUSA_ACCESS: z.enum(['public', 'private']).default('public'),
    MEDUSA_SLOTS: z.coerce.number().int().positive().default(availableParallelism()),
    MEDUSA_CHROMIUM: z.string().default('/usr/bin/chromium'),
    MEDUSA_CLIENT_DIR: z.string().default(defaultClientFolder),
    /** The catalogue, as JSON: those whose programs are installed here are offered. */
    MEDUSA_APPLICATIONS: applications.default([]),
    MEDUSA_ORPHAN_SECONDS: z.coerce.number().positive().default(3_600),
    /** The most frames a second of a picture. */
    MEDUSA_FRAMES_PER_SECOND: z.coerce.number().int().min(1).max(120).default(60),
    MEDUSA_LAUNCH_SECONDS: z.coerce.number().positive().default(60),
    MEDIASOUP_WORKER_BIN: z.string().optional(),
    /** Of one recording: it ends when it is longer, or larger. */
    MEDUSA_RECORDING_MINUTES: z.coerce
      .number()
      .positive()
      .max(24 * 60)
      .default(60),
    MEDUSA_RECORDING_MIB: z.coerce.number().int().positive().default(1_024),
    /** Of all that this node keeps. */
    MEDUSA_RECORDINGS_MIB: z.coerce.number().int().positive().default(20_480),
    LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  })
  .refine(
    (env) => (env.MEDUSA_NODE_TOKEN === undefined) !== (env.MEDUSA_JOIN_TOKEN === undefined),
    'one of MEDUSA_NODE_TOKEN and MEDUSA_JOIN_TOKEN is needed',
  )
  .transform((env) => ({
    brokerUrl: env.MEDUSA_BROKER_URL,
    nodeId: env.MEDUSA_NODE_ID,
    nodeToken: env.MEDUSA_NODE_TOKEN,
    joinToken: env.MEDUSA_JOIN_TOKEN,
    ca: env.MEDUSA_CA,
    nodeFolder: env.MEDUSA_NODE_DIR,
    rtcAddress: env.MEDUSA_RTC_ADDRESS,
    rtcBindAddress: env.MEDUSA_RTC_BIND ?? env.MEDUSA_RTC_ADDRESS,
    rtcPort: env.MEDUSA_RTC_PORT,
    relayPort: env.MEDUSA_RELAY_PORT,
    zone: env.MEDUSA_ZONE,
    access: env.MEDUSA_ACCESS,
    slots: env.MEDUSA_SLOTS,
    chromium: env.MEDUSA_CHROMIUM,
    clientFolder: env.MEDUSA_CLIENT_DIR,
    applications: env.MEDUSA_APPLICATIONS,
    orphanSeconds: env.MEDUSA_ORPHAN_SECONDS,
    framesPerSecond: env.MEDUSA_FRAMES_PER_SECOND,
    recording: {
      mostMs: env.MEDUSA_RECORDING_MINUTES * 60_000,
      mostBytes: env.MEDUSA_RECORDING_MIB * 2 ** 20,
      mostKeptBytes: env.MEDUSA_RECORDINGS_MIB * 2 ** 20,
    },
    launchTimeoutMs: env.MEDUSA_LAUNCH_SECONDS * 1_000,
    mediaWorkerBin: env.MEDIASOUP_WORKER_BIN,
    logLevel: env.LOG_LEVEL,
  }));

export type RenderNodeConfig = z.infer<typeof environmentSchema>;

/** @throws ZodError that names every variable that is missing or wrong. */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): RenderNodeConfig {
  return environmentSchema.parse(environment);
}
