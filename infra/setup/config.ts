import path from 'node:path';
import { z } from 'zod';

const port = z.coerce.number().int().min(1).max(65_535);

const environmentSchema = z.object({
  MEDUSA_DATA_DIR: z.string().min(1).optional(),
  MEDUSA_HTTPS_PORT: port.default(8443),
  MEDUSA_DICOM_PORT: port.default(11112),
  MEDUSA_DICOM_TLS_PORT: port.default(2762),
  MEDUSA_AE_TITLE: z
    .string()
    .regex(/^[\x20-\x5b\x5d-\x7e]{1,16}$/, 'an AE title has 1 to 16 printable characters')
    .default('MEDUSA'),
  MEDUSA_RTC_PORT: port.default(44444),
  MEDUSA_BIND: z.union([z.ipv4(), z.ipv6()]).default('127.0.0.1'),
  MEDUSA_PUBLIC_URL: z.url().optional(),
  DATABASE_URL: z.string().min(1).optional(),
});

export type StackConfig = {
  readonly dataDir: string;
  readonly httpsPort: number;
  readonly dicomPort: number;
  readonly dicomTlsPort: number;
  readonly aeTitle: string;
  readonly rtcPort: number;
  readonly bind: string;
  /** Where this machine reaches what is bound to `bind`. */
  readonly localHost: string;
  readonly publicUrl: string;
  /** Absent: the embedded server. */
  readonly databaseUrl: string | undefined;
};

export const checkoutDir = path.resolve(import.meta.dirname, '../..');

/** Reads what `npm start` and its fellows are told by the environment; throws with every fault named. */
export function readStackConfig(environment: NodeJS.ProcessEnv): StackConfig {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  const values = parsed.data;
  return {
    dataDir: path.resolve(values.MEDUSA_DATA_DIR ?? path.join(checkoutDir, '.medusa')),
    httpsPort: values.MEDUSA_HTTPS_PORT,
    dicomPort: values.MEDUSA_DICOM_PORT,
    dicomTlsPort: values.MEDUSA_DICOM_TLS_PORT,
    aeTitle: values.MEDUSA_AE_TITLE,
    rtcPort: values.MEDUSA_RTC_PORT,
    bind: values.MEDUSA_BIND,
    localHost: localHostOf(values.MEDUSA_BIND),
    publicUrl: values.MEDUSA_PUBLIC_URL ?? `https://localhost:${values.MEDUSA_HTTPS_PORT}`,
    databaseUrl: values.DATABASE_URL,
  };
}

function localHostOf(bind: string): string {
  if (bind === '0.0.0.0' || bind === '::') return '127.0.0.1';
  return bind.includes(':') ? `[${bind}]` : bind;
}

/** What children inherit: the caller's environment without what could point them elsewhere. */
export function inheritedEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const kept = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'USER', 'LOGNAME', 'MEDIASOUP_WORKER_BIN'];
  const ours = Object.keys(environment).filter((name) => name.startsWith('MEDUSA_'));
  return Object.fromEntries(
    [...kept, ...ours].flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
