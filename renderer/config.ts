import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { applicationSchema, nodeIdSchema } from '@medusa/protocol';

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
    MEDUSA_NODE_TOKEN: z.string().min(1),
    MEDUSA_NODE_DIR: z.string().min(1),
    /** Told to browsers. */
    MEDUSA_RTC_ADDRESS: z.string().min(1),
    /** Where the media port listens, when that differs from the address told, as behind address translation. */
    MEDUSA_RTC_BIND: z.string().optional(),
    MEDUSA_RTC_PORT: port,
    MEDUSA_SLOTS: z.coerce.number().int().positive().default(availableParallelism()),
    MEDUSA_CHROMIUM: z.string().default('/usr/bin/chromium'),
    MEDUSA_CLIENT_DIR: z.string().default(defaultClientFolder),
    /** The catalogue, as JSON: those whose programs are installed here are offered. */
    MEDUSA_APPLICATIONS: applications.default([]),
    MEDUSA_ORPHAN_SECONDS: z.coerce.number().positive().default(3_600),
    /** The most frames a second of a picture. */
    MEDUSA_FRAMES_PER_SECOND: z.coerce
      .number()
      .int()
      .min(1)
      .max(120)
      .default(availableParallelism() >= 4 ? 60 : 30),
    MEDUSA_LAUNCH_SECONDS: z.coerce.number().positive().default(60),
    MEDIASOUP_WORKER_BIN: z.string().optional(),
    LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  })
  .transform((env) => ({
    brokerUrl: env.MEDUSA_BROKER_URL,
    nodeId: env.MEDUSA_NODE_ID,
    nodeToken: env.MEDUSA_NODE_TOKEN,
    nodeFolder: env.MEDUSA_NODE_DIR,
    rtcAddress: env.MEDUSA_RTC_ADDRESS,
    rtcBindAddress: env.MEDUSA_RTC_BIND ?? env.MEDUSA_RTC_ADDRESS,
    rtcPort: env.MEDUSA_RTC_PORT,
    slots: env.MEDUSA_SLOTS,
    chromium: env.MEDUSA_CHROMIUM,
    clientFolder: env.MEDUSA_CLIENT_DIR,
    applications: env.MEDUSA_APPLICATIONS,
    orphanSeconds: env.MEDUSA_ORPHAN_SECONDS,
    framesPerSecond: env.MEDUSA_FRAMES_PER_SECOND,
    launchTimeoutMs: env.MEDUSA_LAUNCH_SECONDS * 1_000,
    mediaWorkerBin: env.MEDIASOUP_WORKER_BIN,
    logLevel: env.LOG_LEVEL,
  }));

export type RenderNodeConfig = z.infer<typeof environmentSchema>;

/** @throws ZodError that names every variable that is missing or wrong. */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): RenderNodeConfig {
  return environmentSchema.parse(environment);
}
