import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import {
  mostTransferBytes,
  recordingRulesSchema,
  transferRulesSchema,
  type RecordingRules,
  type TransferRules,
} from '@medusa/protocol';
import type { Limits } from './provision/index.ts';

const port = z.coerce.number().int().min(0).max(65_535);
const seconds = z.coerce.number().positive();

const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue('not JSON');
    return z.NEVER;
  }
});

const environmentSchema = z.object({
  MEDUSA_DATA_DIR: z.string().min(1),
  MEDUSA_HTTPS_PORT: port.default(8443),
  MEDUSA_BIND: z.string().default('127.0.0.1'),
  MEDUSA_PUBLIC_URL: z.url().optional(),
  DATABASE_URL: z.string().min(1),
  MEDUSA_RTC_PORT: port.default(44_444),
  MEDUSA_RTC_ADDRESS: z.string().optional(),
  MEDUSA_RENDER_NODES: z.coerce.number().int().min(0).max(64).default(1),
  MEDUSA_SLOTS: z.coerce.number().int().positive().default(Math.max(1, availableParallelism())),
  MEDUSA_OIDC_ISSUER: z.url().optional(),
  MEDUSA_OIDC_CLIENT_ID: z.string().min(1).default('medusa-client'),
  /** A JSON file with providers and pools, applied at each start; see `declaredSchema` in `provision/engine/declared.ts`. */
  MEDUSA_PROVIDERS: z.string().optional(),
  /** How machines of other providers reach the broker, when it is not by the public URL. */
  MEDUSA_NODES_BROKER_URL: z.url().optional(),
  /** How a provider's nodes reach a storage node, when it is not by its own address: `{"cloud":{"storage-1":"https://…"}}`. */
  MEDUSA_STORAGE_ROUTES: json
    .pipe(z.record(z.string(), z.record(z.string(), z.url({ protocol: /^https$/ }))))
    .default({}),
  /** What nobody wants at a provider is deleted when it was seen for so long, at most so many at once, or only told (`dry`). */
  MEDUSA_SWEEP: z.enum(['on', 'dry']).default('on'),
  MEDUSA_SWEEP_SECONDS: seconds.default(120),
  MEDUSA_SWEEP_MOST: z.coerce.number().int().min(0).default(25),
  MEDUSA_CLIENT_DIR: z.string().optional(),
  MEDUSA_SEAT_SECONDS: seconds.default(60),
  MEDUSA_JOIN_SECONDS: seconds.default(120),
  /** Between two evaluations of all agreements. */
  /** How long a condition must last before an alarm is raised, or cleared. */
  MEDUSA_ALARM_SECONDS: seconds.default(15),
  MEDUSA_AGREEMENT_SECONDS: seconds.default(60),
  /** Whether each viewer draws over the picture who looks at it and when. */
  MEDUSA_WATERMARK: z.enum(['on', 'off']).default('off'),
  /** Which role may take text out of a display (`copy`) and into one (`paste`): `{"radiologist":["copy","paste"]}`. */
  MEDUSA_TRANSFERS: json.pipe(transferRulesSchema).default({}),
  MEDUSA_TRANSFER_BYTES: z.coerce.number().int().min(1).max(mostTransferBytes).default(65_536),
  /** Which role may have what a room sees recorded, if all agree: `{"radiologist":"in-control"}`; see `recordingRulesSchema`. */
  MEDUSA_RECORDING: json.pipe(recordingRulesSchema).default({}),
  /** Of the render nodes on this box, see their own configuration. */
  MEDUSA_RECORDING_MINUTES: z.string().optional(),
  MEDUSA_RECORDING_MIB: z.string().optional(),
  MEDUSA_RECORDINGS_MIB: z.string().optional(),
  /** For how long a recording is kept. */
  MEDUSA_RECORDING_HOURS: z.coerce
    .number()
    .positive()
    .max(24 * 366)
    .default(72),
  MEDUSA_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  MEDUSA_CHROMIUM: z.string().optional(),
  MEDIASOUP_WORKER_BIN: z.string().optional(),
  PATH: z.string().default('/usr/local/bin:/usr/bin:/bin'),
  HOME: z.string().optional(),
  LANG: z.string().optional(),
});

/** Everything an operator can set, parsed once. */
export type BrokerConfig = {
  readonly dataDir: string;
  readonly secretsDir: string;
  readonly clientDir: string;
  readonly httpsPort: number;
  readonly bind: string;
  /** The one origin of all pages and services. With port 0 it is known once the server listens. */
  readonly publicUrl: string | undefined;
  readonly databaseUrl: string;
  readonly rtcPort: number;
  readonly rtcAddress: string;
  readonly renderNodes: number;
  readonly slots: number;
  /** Absent: the embedded provider logs the users in. */
  readonly externalIssuer: string | undefined;
  readonly clientId: string;
  readonly seatSeconds: number;
  readonly joinSeconds: number;
  readonly heartbeatMs: number;
  /** Between two looks at overdue seats, sessions and nodes. */
  readonly sweepMs: number;
  /** Between two evaluations of all agreements. */
  /** Before an alarm is raised, or cleared. */
  readonly alarmHoldMs: number;
  readonly agreementMs: number;
  /** Between two looks at who is expected. */
  readonly preWarmMs: number;
  readonly providersFile: string | undefined;
  readonly urlForNodes: string | undefined;
  /** By provider and storage node. */
  readonly storageRoutes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly provisioning: {
    readonly limits: Limits;
    readonly sweep: { readonly horizonMs: number; readonly cap: number; readonly isDryRun: boolean };
  };
  readonly hasWatermark: boolean;
  /** Text between displays and clipboards. */
  readonly transfers: { readonly rules: TransferRules; readonly mostBytes: number };
  readonly recording: { readonly rules: RecordingRules; readonly keepSeconds: number };
  readonly logLevel: string;
  /** What a render node's process inherits. */
  readonly nodeEnvironment: Readonly<Record<string, string>>;
};

/** Throws with a list of what is wrong; there is no default that opens a door. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): BrokerConfig {
  // An empty variable means "not set" in compose files and unit files alike.
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(set);
  if (!parsed.success) throw new Error(`Bad configuration\n${z.prettifyError(parsed.error)}`);
  const env = parsed.data;
  const dataDir = resolve(env.MEDUSA_DATA_DIR);
  const secretsDir = join(dataDir, 'secrets');
  const defaultUrl = env.MEDUSA_HTTPS_PORT === 0 ? undefined : `https://localhost:${env.MEDUSA_HTTPS_PORT}`;
  const clientDir = resolve(env.MEDUSA_CLIENT_DIR ?? join(import.meta.dirname, '../client/dist'));
  return {
    dataDir,
    secretsDir,
    clientDir,
    httpsPort: env.MEDUSA_HTTPS_PORT,
    bind: env.MEDUSA_BIND,
    publicUrl: env.MEDUSA_PUBLIC_URL?.replace(/\/+$/, '') ?? defaultUrl,
    databaseUrl: env.DATABASE_URL,
    rtcPort: env.MEDUSA_RTC_PORT,
    rtcAddress: env.MEDUSA_RTC_ADDRESS ?? env.MEDUSA_BIND,
    renderNodes: env.MEDUSA_RENDER_NODES,
    slots: env.MEDUSA_SLOTS,
    externalIssuer: env.MEDUSA_OIDC_ISSUER,
    clientId: env.MEDUSA_OIDC_CLIENT_ID,
    seatSeconds: env.MEDUSA_SEAT_SECONDS,
    joinSeconds: env.MEDUSA_JOIN_SECONDS,
    heartbeatMs: 2_000,
    sweepMs: 2_000,
    alarmHoldMs: env.MEDUSA_ALARM_SECONDS * 1_000,
    agreementMs: env.MEDUSA_AGREEMENT_SECONDS * 1000,
    preWarmMs: 15_000,
    providersFile: env.MEDUSA_PROVIDERS,
    urlForNodes: env.MEDUSA_NODES_BROKER_URL,
    storageRoutes: env.MEDUSA_STORAGE_ROUTES,
    provisioning: {
      limits: { joinMs: 300_000, bootMs: 900_000, hungMs: 30_000, drainSettleMs: 1_000 },
      sweep: {
        horizonMs: env.MEDUSA_SWEEP_SECONDS * 1000,
        cap: env.MEDUSA_SWEEP_MOST,
        isDryRun: env.MEDUSA_SWEEP === 'dry',
      },
    },
    hasWatermark: env.MEDUSA_WATERMARK === 'on',
    transfers: { rules: env.MEDUSA_TRANSFERS, mostBytes: env.MEDUSA_TRANSFER_BYTES },
    recording: {
      rules: env.MEDUSA_RECORDING,
      keepSeconds: Math.round(env.MEDUSA_RECORDING_HOURS * 3_600),
    },
    logLevel: env.MEDUSA_LOG_LEVEL,
    nodeEnvironment: definedOnly({
      PATH: env.PATH,
      HOME: env.HOME,
      LANG: env.LANG,
      NODE_EXTRA_CA_CERTS: join(secretsDir, 'ca.pem'),
      MEDIASOUP_WORKER_BIN: env.MEDIASOUP_WORKER_BIN,
      MEDUSA_CHROMIUM: env.MEDUSA_CHROMIUM,
      MEDUSA_RECORDING_MINUTES: env.MEDUSA_RECORDING_MINUTES,
      MEDUSA_RECORDING_MIB: env.MEDUSA_RECORDING_MIB,
      MEDUSA_RECORDINGS_MIB: env.MEDUSA_RECORDINGS_MIB,
      MEDUSA_CLIENT_DIR: clientDir,
    }),
  };
}

function definedOnly(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
