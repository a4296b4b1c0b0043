import type { CreateVolumeRequest } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import {
  isProviderFault,
  ProviderError,
  type ItemState,
  type Operation,
  type Snapshot,
  type SnapshotPort,
  type Volume,
  type VolumePort,
  type VolumeRequest,
} from '../../port/index.ts';
import {
  allPages,
  clientToken,
  ownedBy,
  parsed,
  readTags,
  taggedAs,
  tagsOf,
  unlessNotFound,
} from './client.ts';
import { destroyOnce, type Context } from './context.ts';
import { openOnce } from './once.ts';
import { devicesOf, instanceWith } from './machines.ts';

const tagsSchema = z.array(z.object({ Key: z.string(), Value: z.string() })).default([]);

const volumeSchema = z.object({
  VolumeId: z.string(),
  Size: z.number().default(0),
  State: z.string().default('unknown'),
  CreateTime: z.date().nullable().default(null),
  Attachments: z
    .array(
      z.object({
        InstanceId: z.string().optional(),
        Device: z.string().nullable().default(null),
        State: z.string().default(''),
      }),
    )
    .default([]),
  Tags: tagsSchema,
});
type Parsed = z.infer<typeof volumeSchema>;

/** EC2 API Reference, `Volume.State` and `Snapshot.State`. */
const states: Readonly<Record<string, ItemState>> = {
  creating: 'pending',
  available: 'running',
  'in-use': 'running',
  deleting: 'stopping',
  deleted: 'terminated',
  pending: 'pending',
  completed: 'running',
  error: 'error',
  recoverable: 'stopped',
  recovering: 'pending',
};

/** EC2 User Guide, "Device names for volumes": recommended for data, whatever the driver in the guest makes of them. */
const devices = Array.from('fghijklmnop').map((letter) => `/dev/sd${letter}`);

/** Volumes of Elastic Block Store: encrypted, in one zone, on one machine. */
export function volumePort(context: Context): VolumePort {
  const { ec2, settings, recent } = context;
  const volumeWith = async (ref: string, signal: AbortSignal): Promise<Parsed | undefined> => {
    const answer = await unlessNotFound(
      ec2.read(async (api, options) => api.describeVolumes({ VolumeIds: [ref] }, options), signal),
    );
    return parsed(z.array(volumeSchema), answer?.Volumes ?? [])[0];
  };
  return {
    async create(request, tag, name, operation) {
      const wanted = volumeRequest(settings, request);
      const made = await ec2.change(
        async (api, options) =>
          api.createVolume(
            {
              ...wanted,
              ClientToken: clientToken(operation.id),
              TagSpecifications: tagsOf('volume', tag, name),
            },
            options,
          ),
        operation.signal,
      );
      const volume = volumeOf(parsed(volumeSchema, made));
      if (!volume) throw new ProviderError('unknown-outcome', `${name} came back without its tags`);
      recent.add(volume.ref);
      return volume;
    },
    async get(ref, signal) {
      const volume = await volumeWith(ref, signal);
      return volume && volumeOf(volume);
    },
    async list(owner, signal) {
      const volumes = await allPages(
        async (token) => {
          const answer = await ec2.read(
            async (api, options) =>
              api.describeVolumes({ Filters: ownedBy(owner), MaxResults: 500, ...token }, options),
            signal,
          );
          return { things: parsed(z.array(volumeSchema), answer.Volumes ?? []), NextToken: answer.NextToken };
        },
        ({ VolumeId }) => VolumeId,
      );
      return volumes.flatMap((volume) => volumeOf(volume) ?? []);
    },
    async destroy(ref, { signal }) {
      await destroyOnce(context, ref, async () =>
        ec2.change(async (api, options) => api.deleteVolume({ VolumeId: ref }, options), signal),
      );
    },
    async attach(ref, machineRef, operation) {
      const volume = await volumeWith(ref, operation.signal);
      if (!volume) throw new ProviderError('not-found', `No volume ${ref}`);
      const holder = attachmentOf(volume);
      if (holder?.InstanceId === machineRef && holder.State !== 'detaching') return;
      if (holder)
        throw new ProviderError('conflict', `VolumeInUse: ${ref} is attached to ${holder.InstanceId ?? '?'}`);
      await attachTo(context, { ref, machineRef }, operation);
    },
    async detach(ref, { signal }) {
      const volume = await volumeWith(ref, signal);
      const holder = volume && attachmentOf(volume);
      if (!holder || holder.State === 'detaching') return;
      try {
        await ec2.change(async (api, options) => api.detachVolume({ VolumeId: ref }, options), signal);
      } catch (error) {
        // IncorrectState: it was let go in the meantime.
        if (!isProviderFault(error, 'conflict') || !error.message.startsWith('IncorrectState')) throw error;
      }
    },
  };
}

async function attachTo(
  context: Context,
  { ref, machineRef }: { ref: string; machineRef: string },
  { signal }: Operation,
): Promise<void> {
  const machine = await instanceWith(context, machineRef, signal);
  if (!machine) throw new ProviderError('not-found', `No machine ${machineRef}`);
  const Device = devices.find((device) => !devicesOf(machine).includes(device));
  if (Device === undefined) throw new ProviderError('quota', `${machineRef} has no device name left`);
  await context.ec2.change(
    async (api, options) => api.attachVolume({ VolumeId: ref, InstanceId: machineRef, Device }, options),
    signal,
  );
}

function volumeRequest(
  { zone: usualZone, kmsKey }: Context['settings'],
  { sizeGiB, type, zone, source }: VolumeRequest,
): Omit<CreateVolumeRequest, 'ClientToken'> {
  const AvailabilityZone = zone ?? usualZone;
  if (AvailabilityZone === undefined) throw new ProviderError('invalid', 'A volume lies in a zone: give one');
  if (source.kind === 'volume')
    throw new ProviderError('invalid', 'A volume is copied by way of a snapshot of it');
  return {
    AvailabilityZone,
    Size: sizeGiB,
    Encrypted: true,
    VolumeType: (type ?? 'gp3') as NonNullable<CreateVolumeRequest['VolumeType']>,
    ...(kmsKey === undefined ? {} : { KmsKeyId: kmsKey }),
    ...(source.kind === 'snapshot' ? { SnapshotId: source.ref } : {}),
  };
}

function attachmentOf({ Attachments }: Parsed): Parsed['Attachments'][number] | undefined {
  return Attachments.find(({ State }) => State !== 'detached');
}

function volumeOf(volume: Parsed): Volume | undefined {
  const ours = readTags(volume.Tags);
  const attachment = attachmentOf(volume);
  const { InstanceId: machineRef, Device: device = null } = attachment ?? {};
  return (
    ours && {
      ref: volume.VolumeId,
      ...ours,
      state: states[volume.State] ?? 'unknown',
      detail: attachment ? `${volume.State}/${attachment.State}` : volume.State,
      createdAt: volume.CreateTime,
      sizeGiB: volume.Size,
      attachedTo: machineRef === undefined ? null : { machineRef, device },
    }
  );
}

const snapshotSchema = z.object({
  SnapshotId: z.string(),
  VolumeId: z.string().optional(),
  VolumeSize: z.number().optional(),
  State: z.string().optional(),
  StateMessage: z.string().optional(),
  StartTime: z.date().optional(),
  Tags: tagsSchema,
});
type ParsedSnapshot = z.infer<typeof snapshotSchema>;

/** Snapshots have no `ClientToken`: see `Once`. */
export function snapshotPort(context: Context): SnapshotPort {
  const { ec2, recent } = context;
  const once = openOnce(context.now);
  type Query = { Filters?: ReturnType<typeof ownedBy>; SnapshotIds?: string[] };
  const find = async (query: Query, signal: AbortSignal): Promise<Snapshot[]> => {
    const found = await allPages(
      async (token) => {
        const answer = await ec2.read(
          async (api, options) => api.describeSnapshots({ OwnerIds: ['self'], ...query, ...token }, options),
          signal,
        );
        return {
          things: parsed(z.array(snapshotSchema), answer.Snapshots ?? []),
          NextToken: answer.NextToken,
        };
      },
      ({ SnapshotId }) => SnapshotId,
    );
    return found.flatMap((snapshot) => snapshotOf(snapshot) ?? []);
  };
  return {
    create: async ({ volumeRef }, tag, name, operation) =>
      once(operation, {
        find: async () => (await find({ Filters: taggedAs(tag) }, operation.signal))[0],
        async make() {
          const made = await ec2.change(
            async (api, options) =>
              api.createSnapshot(
                { VolumeId: volumeRef, Description: name, TagSpecifications: tagsOf('snapshot', tag, name) },
                options,
              ),
            operation.signal,
          );
          const snapshot = snapshotOf(parsed(snapshotSchema, made));
          if (!snapshot) throw new ProviderError('unknown-outcome', `${name} came back without its tags`);
          recent.add(snapshot.ref);
          return snapshot;
        },
      }),
    get: async (ref, signal) => (await unlessNotFound(find({ SnapshotIds: [ref] }, signal)))?.[0],
    list: async (owner, signal) => find({ Filters: ownedBy(owner) }, signal),
    async destroy(ref, { signal }) {
      await destroyOnce(context, ref, async () =>
        ec2.change(async (api, options) => api.deleteSnapshot({ SnapshotId: ref }, options), signal),
      );
    },
  };
}

function snapshotOf(snapshot: ParsedSnapshot): Snapshot | undefined {
  const ours = readTags(snapshot.Tags);
  const word = snapshot.State ?? 'unknown';
  return (
    ours && {
      ref: snapshot.SnapshotId,
      ...ours,
      state: states[word] ?? 'unknown',
      detail: snapshot.StateMessage ? `${word}: ${snapshot.StateMessage}` : word,
      createdAt: snapshot.StartTime ?? null,
      volumeRef: snapshot.VolumeId ?? '',
      sizeGiB: snapshot.VolumeSize ?? 0,
    }
  );
}
