import { z } from 'zod';
import {
  ProviderError,
  tagOf,
  type Item,
  type OwnerTag,
  type Snapshot,
  type SnapshotPort,
  type Volume,
  type VolumePort,
} from '../../port/index.ts';
import { allRecords, findRecord, toTagMap, unlessGone, type Xapi } from './client.ts';

const diskSchema = z.object({
  uuid: z.string(),
  name_label: z.string(),
  /** Bytes. */
  virtual_size: z.string(),
  is_a_snapshot: z.boolean(),
  snapshot_of: z.string(),
  VBDs: z.array(z.string()),
});
type Disk = z.infer<typeof diskSchema>;
const plugSchema = z.object({ VM: z.string(), VDI: z.string(), device: z.string() });
const bytesPerGib = 1_073_741_824;

/** Virtual disks of one storage repository. Snapshots and copies start under their origin's name: the name is written next. */
export function createVolumePorts(
  xapi: Xapi,
  storageRepository: string,
): { volumes: VolumePort; snapshots: SnapshotPort } {
  const find = async (ref: string, signal: AbortSignal): Promise<Disk | undefined> =>
    findRecord(xapi, 'VDI', { ref, schema: diskSchema, signal });
  const mustFind = async (ref: string, signal: AbortSignal): Promise<Disk> => {
    const disk = await find(ref, signal);
    if (!disk) throw new ProviderError('not-found', `There is no volume ${ref}`);
    return disk;
  };
  const plugOf = async (
    ref: string,
    signal: AbortSignal,
  ): Promise<(z.infer<typeof plugSchema> & { ref: string }) | undefined> => {
    const [vbd] = (await mustFind(ref, signal)).VBDs;
    const plug =
      vbd === undefined ? undefined : await findRecord(xapi, 'VBD', { ref: vbd, schema: plugSchema, signal });
    return vbd === undefined || !plug ? undefined : { ...plug, ref: vbd };
  };
  const rename = async (ref: string, name: string, signal: AbortSignal): Promise<Disk> => {
    await xapi.change('VDI.set_name_label', [ref, name], signal);
    return mustFind(ref, signal);
  };
  const destroy = async (ref: string, signal: AbortSignal): Promise<void> =>
    unlessGone(xapi.change('VDI.destroy', [ref], signal));

  const volumes: VolumePort = {
    async create({ sizeGiB, source }, tag, name, { signal }) {
      if (source.kind !== 'blank') {
        const ref = String(await xapi.change('VDI.clone', [source.ref, {}], signal));
        return toVolume(ref, await rename(ref, name, signal), { tag, plug: undefined });
      }
      const record = {
        ...{ name_label: name, name_description: '', SR: storageRepository, type: 'user' },
        ...{ virtual_size: String(sizeGiB * bytesPerGib), sharable: false, read_only: false },
        ...{ other_config: toTagMap(tag), xenstore_data: {}, sm_config: {}, tags: [] },
      };
      const ref = String(await xapi.change('VDI.create', [record], signal));
      return toVolume(ref, await mustFind(ref, signal), { tag, plug: undefined });
    },
    async get(ref, signal) {
      const disk = await find(ref, signal);
      const tag = disk && volumeTag(disk);
      return disk && tag ? toVolume(ref, disk, { tag, plug: await plugOf(ref, signal) }) : undefined;
    },
    async list(owner, signal) {
      const plugs = new Map(await allRecords(xapi, 'VBD', { schema: plugSchema, signal }));
      return (await allRecords(xapi, 'VDI', { schema: diskSchema, signal })).flatMap(([ref, disk]) => {
        const tag = volumeTag(disk);
        const plug = plugs.get(disk.VBDs[0] ?? '');
        return tag?.owner === owner ? [toVolume(ref, disk, { tag, plug })] : [];
      });
    },
    destroy: async (ref, { signal }) => destroy(ref, signal),
    async attach(ref, machineRef, { signal }) {
      const plug = await plugOf(ref, signal);
      if (plug?.VM === machineRef) return;
      if (plug) throw new ProviderError('conflict', `The volume is attached to ${plug.VM}`);
      const free = z
        .array(z.string())
        .parse(await xapi.ask('VM.get_allowed_VBD_devices', [machineRef], signal));
      const [userdevice] = free;
      if (userdevice === undefined) throw new ProviderError('capacity', `${machineRef} has no free device`);
      const record = { ...emptyVbd, VM: machineRef, VDI: ref, userdevice };
      const vbd = String(await xapi.change('VBD.create', [record], signal));
      if ((await xapi.ask('VM.get_power_state', [machineRef], signal)) === 'Running')
        await xapi.change('VBD.plug', [vbd], signal);
    },
    async detach(ref, { signal }) {
      const plug = await plugOf(ref, signal);
      if (!plug) return;
      if ((await xapi.ask('VBD.get_currently_attached', [plug.ref], signal)) === true)
        await xapi.change('VBD.unplug', [plug.ref], signal);
      await unlessGone(xapi.change('VBD.destroy', [plug.ref], signal));
    },
  };

  const snapshots: SnapshotPort = {
    async create({ volumeRef }, tag, name, { signal }) {
      const ref = String(await xapi.change('VDI.snapshot', [volumeRef, {}], signal));
      return toSnapshot(ref, await rename(ref, name, signal), tag);
    },
    async get(ref, signal) {
      const disk = await find(ref, signal);
      const tag = disk && snapshotTag(disk);
      return disk && tag ? toSnapshot(ref, disk, tag) : undefined;
    },
    async list(owner, signal) {
      return (await allRecords(xapi, 'VDI', { schema: diskSchema, signal })).flatMap(([ref, disk]) => {
        const tag = snapshotTag(disk);
        return tag?.owner === owner ? [toSnapshot(ref, disk, tag)] : [];
      });
    },
    destroy: async (ref, { signal }) => destroy(ref, signal),
  };
  return { volumes, snapshots };
}

const emptyVbd = {
  bootable: false,
  mode: 'RW',
  type: 'Disk',
  unpluggable: true,
  empty: false,
  // So that the machine's end does not end the volume.
  other_config: { 'medusa-volume': 'true' },
  qos_algorithm_type: '',
  qos_algorithm_params: {},
};

function volumeTag({ name_label: name, is_a_snapshot: isSnapshot }: Disk): OwnerTag | undefined {
  return isSnapshot ? undefined : tagOf('volume', name);
}

/** A snapshot that did not get its name any more is nobody's: it shows under a name that no one wants. */
function snapshotTag({ name_label: name, is_a_snapshot: isSnapshot, uuid }: Disk): OwnerTag | undefined {
  if (!isSnapshot) return undefined;
  const origin = tagOf('volume', name);
  return tagOf('snapshot', name) ?? (origin && { ...origin, resource: `unnamed-${uuid.slice(0, 8)}` });
}

function toItem(ref: string, { name_label: name }: Disk, tag: OwnerTag): Item {
  return { ref, name, tag, state: 'running', detail: 'available', createdAt: null };
}

function toVolume(
  ref: string,
  disk: Disk,
  { tag, plug }: { tag: OwnerTag; plug: { VM: string; device: string } | undefined },
): Volume {
  const attachedTo = plug ? { machineRef: plug.VM, device: plug.device === '' ? null : plug.device } : null;
  return {
    ...toItem(ref, disk, tag),
    sizeGiB: Math.round(Number(disk.virtual_size) / bytesPerGib),
    attachedTo,
  };
}

function toSnapshot(ref: string, disk: Disk, tag: OwnerTag): Snapshot {
  const sizeGiB = Math.round(Number(disk.virtual_size) / bytesPerGib);
  return { ...toItem(ref, disk, tag), volumeRef: disk.snapshot_of, sizeGiB };
}
