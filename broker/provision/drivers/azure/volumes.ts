import { z } from 'zod';
import {
  ProviderError,
  type Snapshot,
  type SnapshotPort,
  type Volume,
  type VolumePort,
  type VolumeRequest,
} from '../../port/index.ts';
import { machineCollection } from './machines.ts';
import {
  apiVersions,
  createOnce,
  isOwnedBy,
  itemOf,
  lifeOf,
  nameOfId,
  openCollection,
  resourceSchema,
  tagOf,
  tagsOf,
  type Collection,
  type Context,
} from './resources.ts';

const diskSchema = resourceSchema.extend({
  managedBy: z.string().nullish(),
  properties: z.object({
    provisioningState: z.string().nullish(),
    diskState: z.string().nullish(),
    diskSizeGB: z.int().nullish(),
    timeCreated: z.coerce.date().nullish(),
    creationData: z.object({ sourceResourceId: z.string().nullish() }).nullish(),
  }),
});
type Disk = z.infer<typeof diskSchema>;

const diskCollection = (context: Context): Collection<Disk> =>
  openCollection(context, { type: 'Microsoft.Compute/disks', version: apiVersions.disks }, diskSchema);
const snapshotCollection = (context: Context): Collection<Disk> =>
  openCollection(context, { type: 'Microsoft.Compute/snapshots', version: apiVersions.disks }, diskSchema);

/** Managed disks, encrypted at rest by Azure. */
export function volumePort(context: Context): VolumePort {
  const { settings } = context;
  const disks = diskCollection(context);
  const machines = machineCollection(context);
  const existing = async (ref: string, signal: AbortSignal): Promise<Disk> => {
    const disk = await disks.get(ref, signal);
    if (!disk) throw new ProviderError('not-found', `No disk ${ref}`);
    return disk;
  };
  return {
    async create(request, tag, name, operation) {
      operation.signal.throwIfAborted();
      const body = {
        location: settings.location,
        tags: tagsOf(tag),
        sku: { name: request.type ?? settings.diskType },
        ...(request.zone === null ? {} : { zones: [request.zone] }),
        properties: { diskSizeGB: request.sizeGiB, creationData: creationOf(context, request) },
      };
      const made = await createOnce(
        disks,
        { tag, name, operation },
        async () => (await disks.put(name, body, operation.signal)).thing,
      );
      const volume = volumeOf(made);
      if (!volume) throw new ProviderError('unknown-outcome', `${name} came back without its tags`);
      return volume;
    },
    async get(ref, signal) {
      const disk = await disks.get(ref, signal);
      return disk && volumeOf(disk);
    },
    list: async (owner, signal) =>
      (await disks.list(signal)).filter(isOwnedBy(owner)).flatMap((disk) => volumeOf(disk) ?? []),
    async destroy(ref, { signal }) {
      const disk = await disks.get(ref, signal);
      if (disk && tagOf(disk)) await disks.delete(ref, signal);
    },
    async attach(ref, machineRef, { signal }) {
      const holder = holderOf(await existing(ref, signal));
      if (holder === machineRef) return;
      if (holder !== null) throw new ProviderError('conflict', `${ref} is attached to ${holder}`);
      const body = { dataDisksToAttach: [{ diskId: disks.idOf(ref) }] };
      await machines.post(machineRef, 'attachDetachDataDisks', { body, signal });
    },
    async detach(ref, { signal }) {
      const disk = await disks.get(ref, signal);
      const holder = disk ? holderOf(disk) : null;
      if (holder === null) return;
      const body = { dataDisksToDetach: [{ diskId: disks.idOf(ref) }] };
      await machines.post(holder, 'attachDetachDataDisks', { body, signal });
    },
  };
}

function creationOf(context: Context, { source }: VolumeRequest): object {
  switch (source.kind) {
    case 'blank':
      return { createOption: 'Empty' };
    case 'volume':
      return { createOption: 'Copy', sourceResourceId: diskCollection(context).idOf(source.ref) };
    case 'snapshot':
      return { createOption: 'Copy', sourceResourceId: snapshotCollection(context).idOf(source.ref) };
  }
}

function holderOf({ managedBy }: Disk): string | null {
  return managedBy ? nameOfId(managedBy) : null;
}

function commonOf(disk: Disk): ReturnType<typeof itemOf> {
  const { provisioningState, timeCreated = null } = disk.properties;
  return itemOf(disk, { ...lifeOf(provisioningState), createdAt: timeCreated });
}

function volumeOf(disk: Disk): Volume | undefined {
  const item = commonOf(disk);
  const machineRef = holderOf(disk);
  return (
    item && {
      ...item,
      sizeGiB: disk.properties.diskSizeGB ?? 0,
      attachedTo: machineRef === null ? null : { machineRef, device: null },
    }
  );
}

/** Snapshots keep what changed since the one before. */
export function snapshotPort(context: Context): SnapshotPort {
  const { settings } = context;
  const snapshots = snapshotCollection(context);
  return {
    async create({ volumeRef }, tag, name, operation) {
      operation.signal.throwIfAborted();
      const creationData = {
        createOption: 'Copy',
        sourceResourceId: diskCollection(context).idOf(volumeRef),
      };
      const body = {
        location: settings.location,
        tags: tagsOf(tag),
        properties: { creationData, incremental: true },
      };
      const made = await createOnce(
        snapshots,
        { tag, name, operation },
        async () => (await snapshots.put(name, body, operation.signal)).thing,
      );
      const snapshot = snapshotOf(made);
      if (!snapshot) throw new ProviderError('unknown-outcome', `${name} came back without its tags`);
      return snapshot;
    },
    async get(ref, signal) {
      const snapshot = await snapshots.get(ref, signal);
      return snapshot && snapshotOf(snapshot);
    },
    list: async (owner, signal) =>
      (await snapshots.list(signal)).filter(isOwnedBy(owner)).flatMap((one) => snapshotOf(one) ?? []),
    async destroy(ref, { signal }) {
      const snapshot = await snapshots.get(ref, signal);
      if (snapshot && tagOf(snapshot)) await snapshots.delete(ref, signal);
    },
  };
}

function snapshotOf(snapshot: Disk): Snapshot | undefined {
  const item = commonOf(snapshot);
  const source = snapshot.properties.creationData?.sourceResourceId ?? '';
  return item && { ...item, volumeRef: nameOfId(source), sizeGiB: snapshot.properties.diskSizeGB ?? 0 };
}
