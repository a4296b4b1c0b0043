import { nodeIdSchema, zoneSchema } from '@medusa/protocol';
import { z } from 'zod';
import { titleSchema } from './entities/registry.ts';
import { bucketConfigShape, missingOf } from './objects/buckets/bucket-settings.ts';
import { parseScannerAddress } from './quarantine/scanner.ts';

/** `name=https://host:port,…` */
const peersSchema = z
  .string()
  .transform((text) => text.split(',').filter((part) => part.trim() !== ''))
  .pipe(
    z.array(
      z
        .string()
        .regex(/^[^=]+=https:\/\/.+$/, 'a peer is name=https://host:port')
        .transform((part) => {
          const [nodeId = '', ...url] = part.trim().split('=');
          return { nodeId, url: url.join('=') };
        })
        .pipe(z.object({ nodeId: nodeIdSchema, url: z.url() })),
    ),
  );

const port = z.coerce.number().int().min(0).max(65_535);

/** What a storage node is told by its environment. */
export const storageConfigSchema = z
  .object({
    brokerUrl: z.url(),
    nodeId: nodeIdSchema,
    /** Given to a node that was set up by hand; a provisioned one has a one-time join token instead. */
    nodeToken: z.string().min(1).optional(),
    joinToken: z.string().min(1).optional(),
    /** The one authority that is trusted, as PEM or the name of a file of it; unset: those of the system. */
    ca: z.string().min(1).optional(),
    directory: z.string().min(1),
    dicomPort: port.default(11_112),
    /** `off`: no DICOM but over TLS. */
    plaintext: z.enum(['on', 'off']).default('on'),
    /** Absent: no DICOM over TLS. */
    dicomTlsPort: port.optional(),
    /** Folder of certificates for DICOM; by default within the node's own. */
    dicomPki: z.string().min(1).optional(),
    /** File of the application entities that are known. */
    registry: z.string().min(1).optional(),
    aeTitle: titleSchema.default('MEDUSA'),
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
    /** A node that is told to end waits so long for the associations that it has, and for its peers to have what it took. */
    drainSeconds: z.coerce.number().min(0).max(86_400).default(30),
    /** Before that it takes new ones for so long, until who sends them here has noticed that it is not ready any more. */
    drainNoticeSeconds: z.coerce.number().min(0).max(600).default(0),
    /** How often the index is copied to `backup` beside it; 0: never. */
    backupHours: z.coerce.number().min(0).default(24),
    /** File of how long studies are kept and how large they may be; absent: for ever, and any size. */
    retention: z.string().min(1).optional(),
    /** How often it is looked what is due. */
    retentionMs: z.coerce.number().int().min(100).default(3_600_000),
    /** Nodes that stand for this one, `name=https://host:port`, comma separated: they and it have the same objects. */
    peers: peersSchema.default([]),
    /** File of what only they know, 32 characters or more. */
    peerSecretFile: z.string().min(1).optional(),
    /** DICOMweb service root for broker and render nodes, when it is not at our own address but at one that several nodes share. */
    serviceUrl: z.url().optional(),
    /** How often application entities are asked by C-ECHO whether they are there. */
    probeMs: z.coerce.number().int().min(100).default(30_000),
    /** Disk space that is never filled. */
    reserveMiB: z.coerce.number().min(0).default(512),
    ...bucketConfigShape,
    /** Of objects that carry a program, pose as another file, or are infected. */
    suspicious: z.enum(['quarantine', 'refuse']).default('quarantine'),
    /** Whether a preamble may make the file a TIFF besides. */
    tiffPreamble: z.enum(['allow', 'suspect']).default('allow'),
    /** What a sender by DIMSE is answered whose object lies in quarantine. */
    quarantineAnswer: z.enum(['failure', 'success']).default('failure'),
    /** Where ClamAV's daemon listens: `unix:/path` or `tcp://host:port`; absent: nothing is scanned. */
    clamd: z
      .string()
      .refine((text) => parseScannerAddress(text) !== undefined, 'neither unix:/path nor tcp://host:port')
      .optional(),
    /** What becomes of an object that it could not scan. */
    unscanned: z.enum(['hold', 'accept']).default('hold'),
    clamdMs: z.coerce.number().int().min(100).default(60_000),
    /** How often what waits for the scanner is scanned again. */
    rescanMs: z.coerce.number().int().min(100).default(60_000),
    /** Nodes of one zone share their paths; unset: the zone of the provider. */
    zone: zoneSchema.optional(),
    logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  })
  .refine(({ plaintext, dicomTlsPort }) => plaintext === 'on' || dicomTlsPort !== undefined, {
    message: 'Without plaintext there must be a port for TLS',
    path: ['dicomTlsPort'],
  })
  .refine(({ peers, peerSecretFile }) => peers.length === 0 || peerSecretFile !== undefined, {
    message: 'Nodes that stand for each other need a secret of their own',
    path: ['peerSecretFile'],
  })
  .superRefine((config, context) => {
    for (const name of missingOf(config))
      context.addIssue({ code: 'custom', path: [name], message: `Objects on ${config.objects} need it` });
  });
export type StorageConfig = z.infer<typeof storageConfigSchema>;

/** @throws ZodError naming what is missing or wrong */
export function readConfig(environment: NodeJS.ProcessEnv): StorageConfig {
  return storageConfigSchema.parse({
    brokerUrl: environment['MEDUSA_BROKER_URL'],
    nodeId: environment['MEDUSA_NODE_ID'],
    nodeToken: environment['MEDUSA_NODE_TOKEN'],
    joinToken: environment['MEDUSA_JOIN_TOKEN'],
    ca: environment['MEDUSA_CA'],
    directory: environment['MEDUSA_STORAGE_DIR'],
    dicomPort: environment['MEDUSA_DICOM_PORT'],
    plaintext: environment['MEDUSA_DICOM_PLAINTEXT'],
    dicomTlsPort: environment['MEDUSA_DICOM_TLS_PORT'],
    dicomPki: environment['MEDUSA_DICOM_PKI'],
    registry: environment['MEDUSA_DICOM_REGISTRY'],
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
    drainSeconds: environment['MEDUSA_DRAIN_SECONDS'],
    drainNoticeSeconds: environment['MEDUSA_DRAIN_NOTICE_SECONDS'],
    backupHours: environment['MEDUSA_INDEX_BACKUP_HOURS'],
    retention: environment['MEDUSA_RETENTION'],
    retentionMs: environment['MEDUSA_RETENTION_MS'],
    peers: environment['MEDUSA_PEERS'],
    peerSecretFile: environment['MEDUSA_PEER_SECRET_FILE'],
    serviceUrl: environment['MEDUSA_STORAGE_URL'],
    probeMs: environment['MEDUSA_DICOM_PROBE_MS'],
    reserveMiB: environment['MEDUSA_STORAGE_RESERVE_MIB'],
    objects: environment['MEDUSA_OBJECTS'],
    objectsUrl: environment['MEDUSA_OBJECTS_URL'],
    objectsContainer: environment['MEDUSA_OBJECTS_CONTAINER'],
    objectsPrefix: environment['MEDUSA_OBJECTS_PREFIX'],
    objectsRegion: environment['MEDUSA_OBJECTS_REGION'],
    objectsPartMiB: environment['MEDUSA_OBJECTS_PART_MIB'],
    objectsUser: environment['MEDUSA_OBJECTS_USER'],
    objectsSecret: environment['MEDUSA_OBJECTS_SECRET'],
    objectsSecretFile: environment['MEDUSA_OBJECTS_SECRET_FILE'],
    objectsProject: environment['MEDUSA_OBJECTS_PROJECT'],
    objectsDomain: environment['MEDUSA_OBJECTS_DOMAIN'],
    objectsCa: environment['MEDUSA_OBJECTS_CA'],
    hotDays: environment['MEDUSA_HOT_DAYS'],
    hotGiB: environment['MEDUSA_HOT_GIB'],
    scrubDays: environment['MEDUSA_SCRUB_DAYS'],
    suspicious: environment['MEDUSA_SUSPICIOUS'],
    tiffPreamble: environment['MEDUSA_TIFF_PREAMBLE'],
    quarantineAnswer: environment['MEDUSA_QUARANTINE_ANSWER'],
    clamd: environment['MEDUSA_CLAMD'],
    unscanned: environment['MEDUSA_UNSCANNED'],
    clamdMs: environment['MEDUSA_CLAMD_MS'],
    rescanMs: environment['MEDUSA_RESCAN_MS'],
    zone: environment['MEDUSA_ZONE'],
    logLevel: environment['MEDUSA_LOG_LEVEL'],
  });
}
