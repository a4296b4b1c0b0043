import { z } from 'zod';
import {
  ProviderError,
  tagOf,
  type ItemState,
  type OwnerTag,
  type Snapshot,
  type SnapshotPort,
  type Volume,
  type VolumePort,
} from '../../port/index.ts';
import {
  attributesSchema,
  createOnce,
  epochSchema,
  readOne,
  readPool,
  textOf,
  toId,
  toTemplate,
  unlessUnknown,
  type OneClient,
} from './client.ts';
import { listMachines, type OneMachine } from './machines.ts';

const imageSchema = z.object({
  ID: z.string(),
  NAME: z.string(),
  /** 2 = DATABLOCK. */
  TYPE: z.coerce.number().int(),
  REGTIME: epochSchema,
  /** MiB. */
  SIZE: z.coerce.number(),
  STATE: z.coerce.number().int(),
  PERSISTENT: z.coerce.number().int(),
  TEMPLATE: attributesSchema,
});
type OneImage = z.infer<typeof imageSchema>;

/** include/Image.h */
const imageStates: Readonly<Record<number, readonly [ItemState, string]>> = {
  0: ['pending', 'INIT'],
  1: ['running', 'READY'],
  2: ['running', 'USED'],
  3: ['stopped', 'DISABLED'],
  4: ['pending', 'LOCKED'],
  5: ['error', 'ERROR'],
  6: ['running', 'CLONE'],
  7: ['stopping', 'DELETE'],
  8: ['running', 'USED_PERS'],
  9: ['pending', 'LOCKED_USED'],
  10: ['pending', 'LOCKED_USED_PERS'],
};
const mibPerGib = 1_024;
const datablock = 2;
/** Of `one.image.update`: keep what is there. */
const append = 1;

/**
 * Volumes are persistent data blocks of one image datastore; a snapshot is a copy that remembers its origin. Whose they are is read
 * from their names alone: a copy starts with the attributes of its origin.
 */
export function createVolumePorts(
  client: OneClient,
  datastore: number,
): { volumes: VolumePort; snapshots: SnapshotPort } {
  const find = async (ref: string, signal: AbortSignal): Promise<OneImage | undefined> =>
    unlessUnknown(
      client
        .ask('one.image.info', [toId(ref), false], signal)
        .then((body) => readOne(body, 'IMAGE', imageSchema)),
    );
  const listOwned = async (
    kind: 'volume' | 'snapshot',
    owner: string,
    signal: AbortSignal,
  ): Promise<(OneImage & { tag: OwnerTag })[]> => {
    const body = await client.ask('one.imagepool.info', [-2, -1, -1], signal);
    return readPool(body, 'IMAGE', imageSchema).flatMap((image) => {
      const tag = tagOf(kind, image.NAME);
      return tag?.owner === owner && image.TYPE === datablock ? [{ ...image, tag }] : [];
    });
  };
  const destroy = async (ref: string, signal: AbortSignal): Promise<void> => {
    const image = await find(ref, signal);
    if (image && image.STATE !== 7)
      await unlessUnknown(client.change('one.image.delete', [toId(ref)], signal));
  };
  const mustFind = async (ref: string, signal: AbortSignal): Promise<OneImage> => {
    const image = await find(ref, signal);
    if (!image) throw new ProviderError('not-found', `There is no volume ${ref}`);
    return image;
  };
  const copyOf = async (originRef: string, name: string, signal: AbortSignal): Promise<OneImage> => {
    const id = await client.change('one.image.clone', [toId(originRef), name, datastore], signal);
    return mustFind(String(id), signal);
  };

  const volumes: VolumePort = {
    async create({ sizeGiB, source }, tag, name, { signal }) {
      const make = async (): Promise<Volume> => {
        if (source.kind !== 'blank') return toVolume(await copyOf(source.ref, name, signal), tag, []);
        const blank = { NAME: name, TYPE: 'DATABLOCK', PERSISTENT: 'YES', SIZE: sizeGiB * mibPerGib };
        const id = await client.change('one.image.allocate', [toTemplate(blank), datastore, false], signal);
        return toVolume(await mustFind(String(id), signal), tag, []);
      };
      return createOnce(make, name, async () => volumes.list(tag.owner, signal));
    },
    async get(ref, signal) {
      const image = await find(ref, signal);
      const tag = image && tagOf('volume', image.NAME);
      return image && tag ? toVolume(image, tag, await listMachines(client, signal)) : undefined;
    },
    async list(owner, signal) {
      const [images, machines] = [
        await listOwned('volume', owner, signal),
        await listMachines(client, signal),
      ];
      return images.map((image) => toVolume(image, image.tag, machines));
    },
    destroy: async (ref, { signal }) => destroy(ref, signal),
    async attach(ref, machineRef, { signal }) {
      const holder = holderOf(ref, await listMachines(client, signal));
      if (holder?.machineRef === machineRef) return;
      if (holder) throw new ProviderError('conflict', `The volume is attached to ${holder.machineRef}`);
      // A copy is not persistent at first: what is written to it would be lost.
      if ((await mustFind(ref, signal)).PERSISTENT !== 1)
        await client.change('one.image.persistent', [toId(ref), true], signal);
      const disk = toTemplate({ DISK: { IMAGE_ID: toId(ref) } });
      await client.change('one.vm.attach', [toId(machineRef), disk], signal);
    },
    async detach(ref, { signal }) {
      const holder = holderOf(ref, await listMachines(client, signal));
      if (holder) await client.change('one.vm.detach', [toId(holder.machineRef), holder.diskId], signal);
    },
  };

  const snapshots: SnapshotPort = {
    async create({ volumeRef }, tag, name, { signal }) {
      const make = async (): Promise<Snapshot> => toSnapshot(await copyOf(volumeRef, name, signal), tag);
      const snapshot = await createOnce(make, name, async () => snapshots.list(tag.owner, signal));
      const origin = toTemplate({ MEDUSA_SNAPSHOT_OF: volumeRef });
      await client.change('one.image.update', [toId(snapshot.ref), origin, append], signal);
      return { ...snapshot, volumeRef };
    },
    async get(ref, signal) {
      const image = await find(ref, signal);
      const tag = image && tagOf('snapshot', image.NAME);
      return image && tag ? toSnapshot(image, tag) : undefined;
    },
    async list(owner, signal) {
      return (await listOwned('snapshot', owner, signal)).map((image) => toSnapshot(image, image.tag));
    },
    destroy: async (ref, { signal }) => destroy(ref, signal),
  };
  return { volumes, snapshots };
}

function holderOf(
  imageRef: string,
  machines: readonly OneMachine[],
): { machineRef: string; diskId: number; device: string | null } | undefined {
  for (const { ID: machineRef, TEMPLATE } of machines) {
    const disk = TEMPLATE.DISK.find(({ IMAGE_ID: id }) => id === imageRef);
    if (disk) return { machineRef, diskId: Number(disk.DISK_ID), device: disk.TARGET ?? null };
  }
  return undefined;
}

function toItem(
  { ID: ref, NAME: name, STATE, REGTIME: createdAt, SIZE, TEMPLATE }: OneImage,
  tag: OwnerTag,
): Omit<Volume, 'attachedTo'> {
  const [state, word] = imageStates[STATE] ?? (['unknown', `STATE ${STATE}`] as const);
  const error = TEMPLATE['ERROR'];
  const detail = typeof error === 'string' && error !== '' ? `${word}: ${error}` : word;
  return { ref, name, tag, state, detail, createdAt, sizeGiB: Math.round(SIZE / mibPerGib) };
}

function toVolume(image: OneImage, tag: OwnerTag, machines: readonly OneMachine[]): Volume {
  const holder = holderOf(image.ID, machines);
  const attachedTo = holder ? { machineRef: holder.machineRef, device: holder.device } : null;
  return { ...toItem(image, tag), attachedTo };
}

function toSnapshot(image: OneImage, tag: OwnerTag): Snapshot {
  return { ...toItem(image, tag), volumeRef: textOf(image.TEMPLATE['MEDUSA_SNAPSHOT_OF']) };
}
