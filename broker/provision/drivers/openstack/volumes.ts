import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import {
  ProviderError,
  type ItemState,
  type Operation,
  type Snapshot,
  type SnapshotPort,
  type Volume,
  type VolumePort,
  type VolumeRequest,
} from '../../port/index.ts';
import type { Cloud } from './cloud.ts';
import { metadataOf, tagIn } from './tags.ts';

/** Cinder tells times in UTC without saying so. */
const createdAt = z.string().transform((text) => new Date(/Z|[+-]\d\d:\d\d$/.test(text) ? text : `${text}Z`));
const metadata = z.record(z.string(), z.string()).default({});
const volumeSchema = z.object({
  id: z.string(),
  name: z.string().nullable(),
  status: z.string(),
  size: z.number(),
  created_at: createdAt,
  metadata,
  attachments: z.array(z.object({ server_id: z.string(), device: z.string().nullish() })).default([]),
});
type CinderVolume = z.infer<typeof volumeSchema>;
const oneVolumeSchema = z.object({ volume: volumeSchema });

const snapshotSchema = z.object({
  id: z.string(),
  name: z.string().nullable(),
  status: z.string(),
  size: z.number(),
  created_at: createdAt,
  volume_id: z.string(),
  metadata,
});
type CinderSnapshot = z.infer<typeof snapshotSchema>;
const oneSnapshotSchema = z.object({ snapshot: snapshotSchema });

/** Block Storage API, "Volumes: status". Whoever waits for one to be usable waits through the rest. */
const byStatus: Readonly<Record<string, ItemState>> = {
  creating: 'starting',
  downloading: 'starting',
  uploading: 'running',
  reverting: 'starting',
  'restoring-backup': 'starting',
  restoring: 'starting',
  available: 'running',
  reserved: 'running',
  attaching: 'running',
  'in-use': 'running',
  detaching: 'running',
  extending: 'running',
  retyping: 'running',
  maintenance: 'running',
  'backing-up': 'running',
  deleting: 'stopping',
  unmanaging: 'stopping',
  deleted: 'terminated',
};

const stateOf = (status: string): ItemState =>
  byStatus[status] ?? (status.startsWith('error') ? 'error' : 'unknown');

function toVolume(volume: CinderVolume): Volume | undefined {
  const tag = tagIn(volume.metadata);
  const [attachment] = volume.attachments;
  return (
    tag && {
      ref: volume.id,
      name: volume.name ?? '',
      tag,
      state: stateOf(volume.status),
      detail: volume.status,
      createdAt: volume.created_at,
      sizeGiB: volume.size,
      attachedTo: attachment ? { machineRef: attachment.server_id, device: attachment.device ?? null } : null,
    }
  );
}

function toSnapshot(snapshot: CinderSnapshot): Snapshot | undefined {
  const tag = tagIn(snapshot.metadata);
  return (
    tag && {
      ref: snapshot.id,
      name: snapshot.name ?? '',
      tag,
      state: stateOf(snapshot.status),
      detail: snapshot.status,
      createdAt: snapshot.created_at,
      volumeRef: snapshot.volume_id,
      sizeGiB: snapshot.size,
    }
  );
}

const pollMs = 250;
const attachMs = 60_000;

/** Volumes of Cinder, attached through Nova. `canRevert`: the cloud speaks 3.40. */
export function cinderVolumes(cloud: Cloud, canRevert: boolean): VolumePort {
  const storage = cloud.service('volume');
  const compute = cloud.service('compute');

  const mustRead = async (ref: string, signal: AbortSignal): Promise<CinderVolume> => {
    const found = await storage.find(`/volumes/${encodeURIComponent(ref)}`, oneVolumeSchema, signal);
    if (!found) throw new ProviderError('not-found', `There is no volume ${ref}`);
    return found.volume;
  };

  /** Nova knows of an attachment from the moment it was accepted; Cinder, when it is done. */
  const isAccepted = async (ref: string, machineRef: string, signal: AbortSignal): Promise<boolean> => {
    const attachments = await compute.find(
      attachmentsOf(machineRef),
      z.object({ volumeAttachments: z.array(z.object({ volumeId: z.string() })) }),
      signal,
    );
    return attachments?.volumeAttachments.some(({ volumeId }) => volumeId === ref) ?? false;
  };

  /** A volume on its way to a machine cannot be stopped: it arrives, or does not, within seconds. */
  const whenAttached = async (ref: string, signal: AbortSignal): Promise<CinderVolume> => {
    for (let left = attachMs; ; left -= pollMs) {
      const volume = await mustRead(ref, signal);
      const isUnderWay = volume.status === 'reserved' || volume.status === 'attaching';
      if (!isUnderWay || left <= 0) return volume;
      await delay(pollMs, undefined, { signal }).catch((cause: unknown) => {
        throw new ProviderError('transient', `The volume is still ${volume.status}`, { cause });
      });
    }
  };

  const revert = async (ref: string, snapshotRef: string, { signal }: Operation): Promise<void> => {
    const volume = await mustRead(ref, signal);
    if (volume.status !== 'available')
      throw new ProviderError(
        'conflict',
        `The volume is ${volume.status}: only a detached one can be put back`,
      );
    const path = `/volumes/${encodeURIComponent(ref)}/action`;
    await storage.tell({ method: 'POST', path, body: { revert: { snapshot_id: snapshotRef } }, signal });
  };

  return {
    async create(request, tag, name, { signal }) {
      const volume = { name, metadata: metadataOf(tag), ...partsOf(request) };
      const made = await storage.ask(
        { method: 'POST', path: '/volumes', body: { volume }, signal },
        oneVolumeSchema,
      );
      return {
        ref: made.volume.id,
        name,
        tag,
        state: stateOf(made.volume.status),
        detail: made.volume.status,
        createdAt: made.volume.created_at,
        sizeGiB: made.volume.size,
        attachedTo: null,
      };
    },

    async get(ref, signal) {
      const found = await storage.find(`/volumes/${encodeURIComponent(ref)}`, oneVolumeSchema, signal);
      return found && toVolume(found.volume);
    },

    async list(owner, signal) {
      const volumes = await storage.list({ path: '/volumes/detail', key: 'volumes', signal }, volumeSchema);
      return volumes.flatMap((volume) => toVolume(volume) ?? []).filter(({ tag }) => tag.owner === owner);
    },

    async destroy(ref, { signal }) {
      await storage.remove(`/volumes/${encodeURIComponent(ref)}`, signal);
    },

    async attach(ref, machineRef, { signal }) {
      const volume = await mustRead(ref, signal);
      const holder = volume.attachments[0]?.server_id;
      if (holder === machineRef && volume.status === 'in-use') return;
      if (holder !== undefined && holder !== machineRef)
        throw new ProviderError('conflict', `The volume is attached to ${holder}`);
      if (volume.status !== 'available' && (await isAccepted(ref, machineRef, signal))) return;
      const body = { volumeAttachment: { volumeId: ref } };
      await compute.tell({ method: 'POST', path: attachmentsOf(machineRef), body, signal });
    },

    async detach(ref, { signal }) {
      const volume = await whenAttached(ref, signal);
      if (volume.status === 'detaching') return;
      const holder = volume.attachments[0]?.server_id;
      if (holder === undefined) {
        if (volume.status === 'available') return;
        throw new ProviderError('conflict', `The volume is ${volume.status}`);
      }
      await compute.remove(`${attachmentsOf(holder)}/${encodeURIComponent(ref)}`, signal);
    },

    ...(canRevert && { revert }),
  };
}

export function cinderSnapshots(cloud: Cloud): SnapshotPort {
  const storage = cloud.service('volume');
  return {
    async create({ volumeRef }, tag, name, { signal }) {
      // From 3.66 on a volume in use needs no force, and force is no word any more.
      const force = (await storage.atLeast(66, signal)) ? {} : { force: true };
      const snapshot = { volume_id: volumeRef, name, metadata: metadataOf(tag), ...force };
      const made = await storage.ask(
        { method: 'POST', path: '/snapshots', body: { snapshot }, signal },
        oneSnapshotSchema,
      );
      return {
        ref: made.snapshot.id,
        name,
        tag,
        state: stateOf(made.snapshot.status),
        detail: made.snapshot.status,
        createdAt: made.snapshot.created_at,
        volumeRef,
        sizeGiB: made.snapshot.size,
      };
    },

    async get(ref, signal) {
      const found = await storage.find(`/snapshots/${encodeURIComponent(ref)}`, oneSnapshotSchema, signal);
      return found && toSnapshot(found.snapshot);
    },

    async list(owner, signal) {
      const all = await storage.list({ path: '/snapshots/detail', key: 'snapshots', signal }, snapshotSchema);
      return all.flatMap((snapshot) => toSnapshot(snapshot) ?? []).filter(({ tag }) => tag.owner === owner);
    },

    async destroy(ref, { signal }) {
      await storage.remove(`/snapshots/${encodeURIComponent(ref)}`, signal);
    },
  };
}

const attachmentsOf = (machineRef: string): string =>
  `/servers/${encodeURIComponent(machineRef)}/os-volume_attachments`;

function partsOf({ sizeGiB, type, zone, source }: VolumeRequest): object {
  return {
    size: sizeGiB,
    ...(type !== null && { volume_type: type }),
    ...(zone !== null && { availability_zone: zone }),
    ...(source.kind === 'snapshot' && { snapshot_id: source.ref }),
    ...(source.kind === 'volume' && { source_volid: source.ref }),
  };
}
