import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Architecture } from '@medusa/protocol';
import { z } from 'zod';
import {
  isSameTag,
  labelsOf,
  ProviderError,
  readLabels,
  type Image,
  type ImagePort,
  type Operation,
  type OwnerTag,
} from '../../port/index.ts';
import { ignoring, pathOf, type Lxd } from './client.ts';
import { tarOf } from './tar.ts';

/** LXD REST API, `Image`. */
const imageSchema = z.object({
  fingerprint: z.string(),
  architecture: z.string(),
  aliases: z.array(z.object({ name: z.string() })).nullish(),
  properties: z.record(z.string(), z.string()).nullish(),
  uploaded_at: z.string(),
});
type ImageAnswer = z.infer<typeof imageSchema>;

/** Linux' names of architectures, as LXD uses them. */
const architectures: Readonly<Record<Architecture, string>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  riscv64: 'riscv64',
};

/**
 * Split images: the root file system as it was built, with metadata of ours before it (LXD documentation, "Image format").
 * The tag is in the metadata, so it is on the image from its first moment. `ref` is the fingerprint; the name is an alias too.
 */
export function lxdImages(lxd: Lxd): ImagePort {
  const get = async (ref: string, signal: AbortSignal): Promise<Image | undefined> => {
    const found = await lxd.find(imageSchema, pathOf(['images', ref]), signal);
    return found && toImage(found.value);
  };
  const list = async (owner: string, signal: AbortSignal): Promise<readonly Image[]> =>
    (await allImages(lxd, signal)).flatMap((answer) => {
      const image = toImage(answer);
      return image?.tag.owner === owner ? [image] : [];
    });
  const withTag = async (tag: OwnerTag, signal: AbortSignal): Promise<Image | undefined> =>
    (await list(tag.owner, signal)).find((image) => isSameTag(image.tag, tag));

  async function alias({ ref, name }: Image, operation: Operation): Promise<void> {
    const body = { name, target: ref, description: '' };
    await ignoring(
      ['conflict'],
      lxd.change(pathOf(['images', 'aliases']), { method: 'POST', body }, operation),
    );
  }

  return {
    formats: ['rootfs-tar'],
    get,
    list,

    async create(spec, tag, name, operation) {
      if (spec.format !== 'rootfs-tar') throw new ProviderError('invalid', `LXD takes no ${spec.format}`);
      const present = await withTag(tag, operation.signal);
      if (present && present.contentHash !== spec.contentHash)
        throw new ProviderError('conflict', `The image ${name} has another content`);
      if (!present) {
        const properties = {
          ...labelsOf(tag, name),
          'medusa-content': spec.contentHash,
          'medusa-role': spec.role,
        };
        const metadata = { architecture: architectures[spec.architecture], creation_date: 1, properties };
        const sent = await multipart(tarOf('metadata.yaml', JSON.stringify(metadata)), spec.file);
        await ignoring(['conflict'], lxd.upload(pathOf(['images']), sent, operation));
      }
      const made = await withTag(tag, operation.signal);
      if (!made) throw new ProviderError('transient', `The image ${name} is gone already`);
      await alias(made, operation);
      return made;
    },

    async destroy(ref, operation) {
      if (await get(ref, operation.signal))
        await ignoring(['not-found'], lxd.change(pathOf(['images', ref]), { method: 'DELETE' }, operation));
    },
  };
}

export async function allImages(lxd: Lxd, signal: AbortSignal): Promise<readonly ImageAnswer[]> {
  return lxd.read(z.array(imageSchema), pathOf(['images'], { recursion: '1' }), signal);
}

/** In our word for it; `null` when there is none. */
export function architectureOf({ architecture }: Pick<ImageAnswer, 'architecture'>): Architecture | null {
  const known = Object.entries(architectures).find(([, name]) => name === architecture)?.[0];
  return (known ?? null) as Architecture | null;
}

/** RFC 7578: the two parts that LXD asks for, in this order. */
async function multipart(metadata: Buffer, file: string): Promise<{ body: Readable; contentType: string }> {
  const isFile = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) throw new ProviderError('invalid', `${file} is no file`);
  const boundary = 'medusa-7a1f0c52e9b84d36';
  const part = (name: string): string =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"; filename="${name}"\r\n` +
    'content-type: application/octet-stream\r\n\r\n';
  async function* parts(): AsyncGenerator<string | Buffer> {
    yield part('metadata');
    yield metadata;
    yield `\r\n${part('rootfs')}`;
    for await (const chunk of createReadStream(file)) yield chunk as Buffer;
    yield `\r\n--${boundary}--\r\n`;
  }
  return { body: Readable.from(parts()), contentType: `multipart/form-data; boundary=${boundary}` };
}

function toImage(answer: ImageAnswer): Image | undefined {
  const labels = readLabels(answer.properties ?? {});
  return (
    labels && {
      ref: answer.fingerprint,
      ...labels,
      state: 'running',
      detail: '',
      createdAt: new Date(answer.uploaded_at),
      architecture: architectureOf(answer),
      contentHash: answer.properties?.['medusa-content'] ?? null,
    }
  );
}
