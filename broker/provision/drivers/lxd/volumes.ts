import { z } from 'zod';
import {
  labelsOf,
  ProviderError,
  readLabels,
  type Operation,
  type Snapshot,
  type SnapshotPort,
  tagOf,
  type Volume,
  type VolumePort,
} from '../../port/index.ts';
import { createOnce, ignoring, pathOf, prefix, rewrite, without, type Lxd } from './client.ts';
import type { LxdSettings } from './settings.ts';

/** LXD REST API, `StorageVolume`. A snapshot is listed among the volumes, named `<volume>/<snapshot>`. */
const volumeSchema = z.object({
  name: z.string(),
  config: z.record(z.string(), z.string()),
  used_by: z.array(z.string()).nullish(),
});
type VolumeAnswer = z.infer<typeof volumeSchema>;

const deviceSchema = z.record(z.string(), z.string());
/** What a PUT of an instance takes, as it was read. */
const instanceSchema = z.looseObject({ devices: z.record(z.string(), deviceSchema) });

const bytesPerGiB = 1_024 ** 3;

/** `ref` is `<pool>/<volume>`, of a snapshot `<pool>/<volume>/<snapshot>`. */
type Place = { readonly pool: string; readonly volume: string; readonly snapshot?: string };

function placeOf(ref: string): Place {
  const [pool, volume, snapshot, ...rest] = ref.split('/');
  if (!pool || !volume || rest.length > 0) throw new ProviderError('not-found', `${ref} is no volume of LXD`);
  return { pool, volume, ...(snapshot === undefined ? {} : { snapshot }) };
}

function pathTo({ pool, volume, snapshot }: Place): string {
  const of = snapshot === undefined ? [] : ['snapshots', snapshot];
  return pathOf(['storage-pools', pool, 'volumes', 'custom', volume, ...of]);
}

/** Custom volumes with a file system, mounted at `/mnt/<name>` in the machine. */
export function lxdVolumes(lxd: Lxd, settings: LxdSettings): VolumePort {
  const get = async (ref: string, signal: AbortSignal): Promise<Volume | undefined> => {
    const place = placeOf(ref);
    const found = await lxd.find(volumeSchema, pathTo(place), signal);
    return found && readLabels(found.value.config, prefix) ? toVolume(place.pool, found.value) : undefined;
  };
  const existing = async (ref: string, signal: AbortSignal): Promise<Volume> => {
    const volume = await get(ref, signal);
    if (!volume) throw new ProviderError('not-found', `LXD has no volume ${ref}`);
    return volume;
  };

  return {
    get,

    async create(request, tag, name, operation) {
      const pool = request.type ?? settings.storagePool;
      const ref = `${pool}/${name}`;
      const body = {
        name,
        config: { ...labelsOf(tag, name, prefix), size: `${request.sizeGiB}GiB` },
        ...(request.source.kind !== 'blank' && { source: copyOf(request.source.ref) }),
      };
      const path = pathOf(['storage-pools', pool, 'volumes', 'custom']);
      return createOnce(
        tag,
        async () => lxd.change(path, { method: 'POST', body }, operation),
        async () => get(ref, operation.signal),
      );
    },

    async list(owner, signal) {
      return (await allVolumes(lxd, signal))
        .filter(({ volume }) => !volume.name.includes('/'))
        .filter(({ volume }) => readLabels(volume.config, prefix)?.tag.owner === owner)
        .map(({ pool, volume }) => toVolume(pool, volume));
    },

    async destroy(ref, operation) {
      if (!(await get(ref, operation.signal))) return;
      // LXD would take the snapshots away with it: whoever kept one keeps the volume.
      const snapshots = await lxd.read(
        z.array(z.string()),
        `${pathTo(placeOf(ref))}/snapshots`,
        operation.signal,
      );
      if (snapshots.length > 0) throw new ProviderError('conflict', `The volume ${ref} has snapshots`);
      await ignoring(['not-found'], lxd.change(pathTo(placeOf(ref)), { method: 'DELETE' }, operation));
    },

    async attach(ref, machineRef, operation) {
      const { attachedTo, name } = await existing(ref, operation.signal);
      if (attachedTo?.machineRef === machineRef) return;
      if (attachedTo) throw new ProviderError('conflict', `${name} is attached to ${attachedTo.machineRef}`);
      const { pool, volume } = placeOf(ref);
      const device = { type: 'disk', pool, source: volume, path: mountPoint(volume) };
      await lxd.change(
        pathOf(['instances', machineRef]),
        { method: 'PATCH', body: { devices: { [volume]: device } } },
        operation,
      );
      // LXD itself lets several machines share it: whoever sees another beside itself yields.
      const users = await usersOf(lxd, ref, operation.signal);
      if (users.length <= 1) return;
      await removeDevice(lxd, { machineRef, volume }, operation);
      throw new ProviderError('conflict', `${name} is attached to ${users.join(', ')}`);
    },

    async detach(ref, operation) {
      for (const machineRef of await usersOf(lxd, ref, operation.signal))
        await removeDevice(lxd, { machineRef, volume: placeOf(ref).volume }, operation);
    },

    async revert(ref, snapshotRef, operation) {
      const { attachedTo, name } = await existing(ref, operation.signal);
      if (attachedTo) throw new ProviderError('conflict', `${name} is attached to ${attachedTo.machineRef}`);
      const { snapshot, ...of } = placeOf(snapshotRef);
      if (snapshot === undefined || `${of.pool}/${of.volume}` !== ref)
        throw new ProviderError('invalid', `${snapshotRef} is no snapshot of ${ref}`);
      await lxd.change(pathTo(of), { method: 'PUT', body: { restore: snapshot } }, operation);
    },
  };
}

/** Snapshots take over the config of their volume, its tag included: theirs is in the name alone. */
export function lxdSnapshots(lxd: Lxd): SnapshotPort {
  const get = async (ref: string, signal: AbortSignal): Promise<Snapshot | undefined> => {
    const { snapshot, ...of } = placeOf(ref);
    if (snapshot === undefined) return undefined;
    const found = await lxd.find(volumeSchema, pathTo({ ...of, snapshot }), signal);
    return found && toSnapshot(of.pool, { ...found.value, name: `${of.volume}/${snapshot}` });
  };

  return {
    get,

    async create({ volumeRef }, tag, name, operation) {
      const ref = `${volumeRef}/${name}`;
      const path = `${pathTo(placeOf(volumeRef))}/snapshots`;
      return createOnce(
        tag,
        async () => lxd.change(path, { method: 'POST', body: { name } }, operation),
        async () => get(ref, operation.signal),
      );
    },

    async list(owner, signal) {
      return (await allVolumes(lxd, signal)).flatMap(({ pool, volume }) => {
        const snapshot = volume.name.includes('/') ? toSnapshot(pool, volume) : undefined;
        return snapshot?.tag.owner === owner ? [snapshot] : [];
      });
    },

    async destroy(ref, operation) {
      if (await get(ref, operation.signal))
        await ignoring(['not-found'], lxd.change(pathTo(placeOf(ref)), { method: 'DELETE' }, operation));
    },
  };
}

export async function poolNames(lxd: Lxd, signal: AbortSignal): Promise<readonly string[]> {
  const paths = await lxd.read(z.array(z.string()), pathOf(['storage-pools']), signal);
  return paths.map((path) => lastSegment(path));
}

async function allVolumes(
  lxd: Lxd,
  signal: AbortSignal,
): Promise<readonly { readonly pool: string; readonly volume: VolumeAnswer }[]> {
  const pools = await poolNames(lxd, signal);
  const each = pools.map(async (pool) => {
    const path = pathOf(['storage-pools', pool, 'volumes', 'custom'], { recursion: '1' });
    const volumes = await lxd.read(z.array(volumeSchema), path, signal);
    return volumes.map((volume) => ({ pool, volume }));
  });
  return (await Promise.all(each)).flat();
}

async function usersOf(lxd: Lxd, ref: string, signal: AbortSignal): Promise<readonly string[]> {
  const found = await lxd.find(volumeSchema, pathTo(placeOf(ref)), signal);
  return found ? instancesOf(found.value) : [];
}

async function removeDevice(
  lxd: Lxd,
  { machineRef, volume }: { machineRef: string; volume: string },
  operation: Operation,
): Promise<void> {
  const next = (instance: z.infer<typeof instanceSchema>): object | undefined =>
    volume in instance.devices ? { ...instance, devices: without(instance.devices, volume) } : undefined;
  const path = pathOf(['instances', machineRef]);
  await ignoring(['not-found'], rewrite(lxd, { schema: instanceSchema, path, next }, operation));
}

function copyOf(ref: string): object {
  const { pool, volume, snapshot } = placeOf(ref);
  return {
    type: 'copy',
    pool,
    name: snapshot === undefined ? volume : `${volume}/${snapshot}`,
    volume_only: true,
  };
}

const mountPoint = (volume: string): string => `/mnt/${volume}`;

function toVolume(pool: string, volume: VolumeAnswer): Volume {
  const labels = readLabels(volume.config, prefix);
  if (!labels) throw new ProviderError('not-found', `The volume ${volume.name} is not ours`);
  const [machineRef] = instancesOf(volume);
  return {
    ref: `${pool}/${volume.name}`,
    ...labels,
    state: 'running',
    detail: machineRef === undefined ? 'free' : 'in use',
    createdAt: null,
    sizeGiB: sizeOf(volume),
    attachedTo: machineRef === undefined ? null : { machineRef, device: mountPoint(volume.name) },
  };
}

function toSnapshot(pool: string, answer: VolumeAnswer): Snapshot | undefined {
  const [volume = '', name = ''] = answer.name.split('/');
  const tag = tagOf('snapshot', name);
  return (
    tag && {
      ref: `${pool}/${volume}/${name}`,
      name,
      tag,
      state: 'running',
      detail: '',
      createdAt: null,
      volumeRef: `${pool}/${volume}`,
      sizeGiB: sizeOf(answer),
    }
  );
}

/** A size as LXD keeps it: bytes, or with a unit; ours are whole GiB. */
function sizeOf({ config }: VolumeAnswer): number {
  const [, number = '0', unit = ''] = /^(\d+)(GiB)?$/.exec(config['size'] ?? '') ?? [];
  return unit === 'GiB' ? Number(number) : Number(number) / bytesPerGiB;
}

/** `used_by` holds paths, of other projects with a query. */
function instancesOf({ used_by: paths }: VolumeAnswer): readonly string[] {
  return (paths ?? []).filter((path) => path.startsWith('/1.0/instances/')).map((path) => lastSegment(path));
}

export function lastSegment(path: string): string {
  const { pathname } = new URL(path, 'http://localhost');
  return decodeURIComponent(pathname.slice(pathname.lastIndexOf('/') + 1));
}
