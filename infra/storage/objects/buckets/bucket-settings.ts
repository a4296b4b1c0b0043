import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { BucketSettings } from './open-bucket.ts';

/** What the environment tells of the place where objects are kept besides this machine. */
export const bucketConfigShape = {
  /** `local`: nowhere. */
  objects: z.enum(['local', 'folder', 's3', 'swift']).default('local'),
  /** A folder, the endpoint of S3, or where Swift's tokens come from: Keystone's `…/v3`, or `…/auth/v1.0`. */
  objectsUrl: z.string().min(1).optional(),
  /** Bucket or container. */
  objectsContainer: z.string().min(3).max(63).optional(),
  /** What names there begin with; by default the node's own. */
  objectsPrefix: z
    .string()
    .regex(/^[A-Za-z0-9._/-]*$/)
    .optional(),
  objectsRegion: z.string().min(1).optional(),
  /** Access key, user, or application credential. */
  objectsUser: z.string().min(1).optional(),
  objectsSecret: z.string().min(1).optional(),
  /** File that holds the secret, instead. */
  objectsSecretFile: z.string().min(1).optional(),
  /** Keystone; without one the user is an application credential. */
  objectsProject: z.string().min(1).optional(),
  objectsDomain: z.string().min(1).default('Default'),
  /** File of PEM, or `system`; unset: what the process trusts. */
  objectsCa: z.string().min(1).optional(),
  /** What is longer is sent in parts of this length; S3 takes none below 5 MiB. */
  objectsPartMiB: z.coerce.number().int().min(5).max(5_120).default(1_024),
  /** How much of objects lies on this disk at most; unset: as much as fits. */
  hotGiB: z.coerce.number().positive().optional(),
  /** What nobody read for so many days does not stay on this disk; unset: as long as there is room. */
  hotDays: z.coerce.number().positive().optional(),
  /** In so many days both copies of each object are looked at; 0: never. */
  scrubDays: z.coerce.number().min(0).default(30),
};
export type BucketConfig = z.infer<z.ZodObject<typeof bucketConfigShape>>;

/** Names of what is needed and not there. */
export function missingOf(config: BucketConfig): (keyof BucketConfig)[] {
  const needed: (keyof BucketConfig)[] = [];
  if (config.objects !== 'local') needed.push('objectsUrl');
  if (config.objects === 's3' || config.objects === 'swift') {
    needed.push('objectsContainer', 'objectsUser');
    if (config.objectsSecretFile === undefined) needed.push('objectsSecret');
  }
  return needed.filter((name) => config[name] === undefined);
}

/** Undefined: objects lie on this disk alone. Reads the secret where it lies in a file. */
export async function bucketSettingsOf(config: BucketConfig): Promise<BucketSettings | undefined> {
  const { objects, objectsUrl = '', objectsContainer = '', objectsUser = '', objectsCa: ca } = config;
  if (objects === 'local') return undefined;
  if (objects === 'folder') return { kind: 'folder', folder: objectsUrl };
  const { objectsSecretFile: file } = config;
  const secret = file === undefined ? (config.objectsSecret ?? '') : (await readFile(file, 'utf8')).trim();
  const partBytes = config.objectsPartMiB * 2 ** 20;
  if (objects === 's3')
    return {
      kind: 's3',
      endpoint: objectsUrl,
      bucket: objectsContainer,
      region: config.objectsRegion ?? 'us-east-1',
      accessKeyId: objectsUser,
      secretAccessKey: secret,
      partBytes,
      ca,
    };
  return {
    kind: 'swift',
    authUrl: objectsUrl,
    container: objectsContainer,
    region: config.objectsRegion,
    user: objectsUser,
    secret,
    project: config.objectsProject,
    domain: config.objectsDomain,
    partBytes,
    ca,
  };
}
