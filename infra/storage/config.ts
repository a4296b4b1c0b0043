import { nodeIdSchema } from '@medusa/protocol';
import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65_535);

/** What a storage node is told by its environment. */
export const storageConfigSchema = z.object({
  brokerUrl: z.url(),
  nodeId: nodeIdSchema,
  nodeToken: z.string().min(1),
  directory: z.string().min(1),
  dicomPort: port.default(11_112),
  /** PS3.5: 1 to 16 characters, no backslash, no control character. */
  aeTitle: z
    .string()
    .trim()
    .regex(/^[\x20-\x5b\x5d-\x7e]{1,16}$/)
    .default('MEDUSA'),
  /** AE titles that may call; none: any may. */
  callingTitles: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((title) => title.trim())
        .filter((title) => title !== ''),
    ),
  bind: z.string().default('127.0.0.1'),
  /** Name or address under which broker and render nodes reach us; by default that of `bind`. The certificate must be for it. */
  address: z.string().min(1).optional(),
  httpsPort: port.default(0),
  tlsCert: z.string().min(1),
  tlsKey: z.string().min(1),
  mostAssociations: z.coerce.number().int().min(1).max(1_000).default(64),
  artimMs: z.coerce.number().int().min(100).default(30_000),
  idleMs: z.coerce.number().int().min(1_000).default(300_000),
  /** Disk space that is never filled. */
  reserveMiB: z.coerce.number().min(0).default(512),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});
export type StorageConfig = z.infer<typeof storageConfigSchema>;

/** @throws ZodError naming what is missing or wrong */
export function readConfig(environment: NodeJS.ProcessEnv): StorageConfig {
  return storageConfigSchema.parse({
    brokerUrl: environment['MEDUSA_BROKER_URL'],
    nodeId: environment['MEDUSA_NODE_ID'],
    nodeToken: environment['MEDUSA_NODE_TOKEN'],
    directory: environment['MEDUSA_STORAGE_DIR'],
    dicomPort: environment['MEDUSA_DICOM_PORT'],
    aeTitle: environment['MEDUSA_AE_TITLE'],
    callingTitles: environment['MEDUSA_CALLING_AE_TITLES'],
    bind: environment['MEDUSA_BIND'],
    address: environment['MEDUSA_STORAGE_ADDRESS'],
    httpsPort: environment['MEDUSA_STORAGE_HTTPS_PORT'],
    tlsCert: environment['MEDUSA_TLS_CERT'],
    tlsKey: environment['MEDUSA_TLS_KEY'],
    mostAssociations: environment['MEDUSA_DICOM_ASSOCIATIONS'],
    artimMs: environment['MEDUSA_DICOM_ARTIM_MS'],
    idleMs: environment['MEDUSA_DICOM_IDLE_MS'],
    reserveMiB: environment['MEDUSA_STORAGE_RESERVE_MIB'],
    logLevel: environment['MEDUSA_LOG_LEVEL'],
  });
}
