import { access } from 'node:fs/promises';
import { architectureSchema } from '@medusa/protocol';
import { ProviderError, tagOf, type Image, type ImagePort, type OwnerTag } from '../../port/index.ts';
import type { LibvirtImage } from './settings.ts';
import type { Storage } from './storage.ts';
import { ignoring } from './virsh.ts';

/** A volume can be marked in no way but by its name: `<name>.<architecture>.<content>.<format>`. */
const pattern = /^([a-z0-9-]+)\.([a-z0-9]+)\.([a-z0-9]+)\.(qcow2|raw)$/;

type Parts = {
  readonly name: string;
  readonly tag: OwnerTag;
  readonly architecture: LibvirtImage['architecture'];
  readonly contentHash: string;
  readonly format: 'qcow2' | 'raw';
};

function partsOf(ref: string): Parts | undefined {
  const [, name = '', machine, contentHash = '', format] = pattern.exec(ref) ?? [];
  const tag = tagOf('image', name);
  const architecture = architectureSchema.safeParse(machine).data;
  if (!tag || architecture === undefined) return undefined;
  return { name, tag, architecture, contentHash, format: format === 'raw' ? 'raw' : 'qcow2' };
}

/** An image that was taken in, as machines are made from it. */
export function readImage(ref: string): LibvirtImage | undefined {
  const parts = partsOf(ref);
  return parts && { kind: 'volume', id: ref, volume: ref, ...pick(parts) };
}

function pick({ architecture, format }: Parts): Pick<Parts, 'architecture' | 'format'> {
  return { architecture, format };
}

/** Disk images in the storage pool. */
export function libvirtImages(storage: Storage): ImagePort {
  const get = async (ref: string, signal: AbortSignal): Promise<Image | undefined> => {
    const parts = partsOf(ref);
    if (!parts || !(await storage.find(ref, signal))) return undefined;
    const { name, tag, architecture, contentHash } = parts;
    return { ref, name, tag, state: 'running', detail: '', createdAt: null, architecture, contentHash };
  };

  const list = async (owner: string, signal: AbortSignal): Promise<readonly Image[]> => {
    const ours = (await storage.names(signal)).filter((name) => partsOf(name)?.tag.owner === owner);
    const images = await Promise.all(ours.map(async (ref) => get(ref, signal)));
    return images.filter((image) => image !== undefined);
  };

  return {
    formats: ['qcow2', 'raw'],
    get,
    list,

    async create({ architecture, contentHash, file, format }, tag, name, operation) {
      if (format !== 'qcow2' && format !== 'raw')
        throw new ProviderError('invalid', `libvirt takes no ${format}`);
      const ref = `${name}.${architecture}.${contentHash}.${format}`;
      if (!partsOf(ref)) throw new ProviderError('invalid', `${contentHash} is no hash`);
      const other = (await list(tag.owner, operation.signal)).find((image) => image.name === name);
      if (other && other.ref !== ref) throw new ProviderError('conflict', `${name} has another content`);
      if (!other) {
        await access(file).catch((cause: unknown) => {
          throw new ProviderError('invalid', `${file} cannot be read`, { cause });
        });
        // Under its own name only when it is whole: machines may be made from it at once.
        const part = `${operation.id.replaceAll(/[^A-Za-z0-9]/g, '-')}.${name}.part`;
        try {
          await storage.upload(part, file, operation);
          await ignoring(['conflict'], storage.copy(part, ref, operation));
        } finally {
          await storage.remove(part, operation);
        }
      }
      const made = await get(ref, operation.signal);
      if (!made) throw new ProviderError('transient', `The image ${ref} is gone already`);
      return made;
    },

    async destroy(ref, operation) {
      if (await get(ref, operation.signal)) await storage.remove(ref, operation);
    },
  };
}
