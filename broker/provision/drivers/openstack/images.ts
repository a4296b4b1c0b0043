import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Transform, type Readable } from 'node:stream';
import { architectureSchema } from '@medusa/protocol';
import { z } from 'zod';
import { ProviderError, type Image, type ImagePort, type ItemState } from '../../port/index.ts';
import type { Cloud } from './cloud.ts';
import { undoing, whenReady } from './parts.ts';
import { metadataOf, tagIn } from './tags.ts';

/** Glance puts an image's own properties beside the others. */
const imageSchema = z.looseObject({
  id: z.string(),
  name: z.string().nullable(),
  status: z.string(),
  created_at: z.coerce.date(),
  os_hash_algo: z.string().nullish(),
  os_hash_value: z.string().nullish(),
});
type GlanceImage = z.infer<typeof imageSchema>;

/** Glance API, "Image statuses". `queued` = known, without data. */
const byStatus: Readonly<Record<string, ItemState>> = {
  saving: 'starting',
  uploading: 'starting',
  importing: 'starting',
  active: 'running',
  deactivated: 'stopped',
  killed: 'error',
  deleted: 'terminated',
  pending_delete: 'terminated',
};

/** Glance's words for architectures are the kernel's. */
const glanceArchitectures = { x64: 'x86_64', arm64: 'aarch64', riscv64: 'riscv64' } as const;

export function architectureOf(word: unknown): 'x64' | 'arm64' | 'riscv64' | null {
  return architectureSchema.options.find((candidate) => glanceArchitectures[candidate] === word) ?? null;
}

const undoMs = 30_000;

/** Images of Glance. What was built is uploaded as it is, and what arrived is compared with what was sent. */
export function glanceImages(cloud: Cloud, now: () => Date): ImagePort {
  const glance = cloud.service('image');
  const pathOf = (ref: string): string => `/images/${encodeURIComponent(ref)}`;

  const toImage = (image: GlanceImage): Image | undefined => {
    const tag = tagIn(image);
    if (!tag) return undefined;
    const contentHash = image['medusa-content-hash'];
    const waiting = { createdAt: image.created_at, now: now(), why: 'queued, nothing was uploaded' };
    const life =
      image.status === 'queued'
        ? whenReady(false, waiting)
        : { state: byStatus[image.status] ?? 'unknown', detail: image.status };
    return {
      ref: image.id,
      name: image.name ?? '',
      tag,
      ...life,
      createdAt: image.created_at,
      architecture: architectureOf(image['architecture']),
      contentHash: typeof contentHash === 'string' ? contentHash : null,
    };
  };

  const upload = async (ref: string, file: string, signal: AbortSignal): Promise<void> => {
    let sent = createHash('sha512');
    const stream = (): Readable => {
      sent = createHash('sha512');
      const counting = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          sent.update(chunk);
          done(null, chunk);
        },
      });
      return createReadStream(file)
        .on('error', (error) => counting.destroy(error))
        .pipe(counting);
    };
    await glance.tell({ method: 'PUT', path: `${pathOf(ref)}/file`, stream, signal });
    const arrived = await glance.ask({ method: 'GET', path: pathOf(ref), signal }, imageSchema);
    const isComparable = arrived.os_hash_algo === 'sha512' && typeof arrived.os_hash_value === 'string';
    if (isComparable && arrived.os_hash_value !== sent.digest('hex'))
      throw new ProviderError('transient', 'The image that arrived is not the one that was sent');
  };

  return {
    formats: ['qcow2', 'raw'],

    async create({ file, contentHash, architecture, format, role }, tag, name, { signal }) {
      if (format !== 'qcow2' && format !== 'raw')
        throw new ProviderError('invalid', `Glance boots no ${format}`);
      const image = {
        name,
        disk_format: format,
        container_format: 'bare',
        visibility: 'private',
        architecture: glanceArchitectures[architecture],
        'medusa-content-hash': contentHash,
        'medusa-role': role,
        ...metadataOf(tag),
      };
      const made = await glance.ask({ method: 'POST', path: '/images', body: image, signal }, imageSchema);
      await undoing(
        async () => glance.remove(pathOf(made.id), AbortSignal.timeout(undoMs)),
        async () => upload(made.id, file, signal),
      );
      const state = 'starting';
      return {
        ref: made.id,
        name,
        tag,
        state,
        detail: 'saving',
        createdAt: made.created_at,
        architecture,
        contentHash,
      };
    },

    async get(ref, signal) {
      const found = await glance.find(pathOf(ref), imageSchema, signal);
      return found && toImage(found);
    },

    async list(owner, signal) {
      const query = { 'medusa-owner': owner };
      const all = await glance.list({ path: '/images', key: 'images', query, signal }, imageSchema);
      return all.flatMap((image) => toImage(image) ?? []).filter(({ tag }) => tag.owner === owner);
    },

    destroy: async (ref, { signal }) => glance.remove(pathOf(ref), signal),
  };
}
