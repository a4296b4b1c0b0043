import {
  isProviderFault,
  isSameTag,
  ProviderError,
  tagOf,
  type Operation,
  type Snapshot,
  type SnapshotPort,
  type Volume,
  type VolumePort,
} from '../../port/index.ts';
import { disk } from './domain.ts';
import type { LibvirtSettings } from './settings.ts';
import type { Storage } from './storage.ts';
import { found, ignoring, inputFile, linesOf, type Virsh } from './virsh.ts';
import { readDomain, writeXml } from './xml.ts';

const bytesPerGiB = 1_024 ** 3;
const snapshotPattern = /^(.+)\.of\.(.+)$/;

type Parts = { readonly virsh: Virsh; readonly storage: Storage; readonly dataDir: string };
type Use = { readonly machineRef: string; readonly device: string };

/** Who has which volume, running or not. libvirt keeps it nowhere but in the domains. */
async function usesOf(virsh: Virsh, signal: AbortSignal): Promise<ReadonlyMap<string, Use>> {
  const names = linesOf(await virsh(['list', '--all', '--name'], { signal }));
  const texts = await Promise.all(
    names
      .filter((name) => name.startsWith('medusa-'))
      .map(async (name) => found(virsh(['dumpxml', name, '--inactive'], { signal }))),
  );
  return new Map(
    texts.flatMap((text) => {
      const domain = text === undefined ? undefined : readDomain(text);
      return (domain?.disks ?? []).map(
        ({ volume, device }) => [volume, { machineRef: domain?.name ?? '', device }] as const,
      );
    }),
  );
}

/** qcow2 files of a storage pool, told by their names. In the machine: `/dev/disk/by-id/scsi-*<resource>`. */
export function libvirtVolumes(parts: Parts, settings: LibvirtSettings): VolumePort {
  const { virsh, storage, dataDir } = parts;

  async function read(
    ref: string,
    uses: ReadonlyMap<string, Use>,
    signal: AbortSignal,
  ): Promise<Volume | undefined> {
    const tag = tagOf('volume', ref);
    const file = tag && (await storage.find(ref, signal));
    if (!tag || !file) return undefined;
    const attachedTo = uses.get(ref) ?? null;
    const detail = attachedTo ? 'in use' : 'free';
    const sizeGiB = file.bytes / bytesPerGiB;
    return { ref, name: ref, tag, state: 'running', detail, createdAt: null, sizeGiB, attachedTo };
  }
  const get = async (ref: string, signal: AbortSignal): Promise<Volume | undefined> =>
    read(ref, await usesOf(virsh, signal), signal);

  /** A copy of what is being written would be torn. */
  async function free(ref: string, signal: AbortSignal): Promise<Volume> {
    const volume = await get(ref, signal);
    if (!volume) throw new ProviderError('not-found', `libvirt has no volume ${ref}`);
    if (volume.attachedTo)
      throw new ProviderError('conflict', `${ref} is attached to ${volume.attachedTo.machineRef}`);
    return volume;
  }

  /** Onto the running machine and into its definition, or into that alone. */
  async function device(
    verb: 'attach-device' | 'detach-device',
    { machineRef, xml }: { machineRef: string; xml: string },
    { signal }: Operation,
  ): Promise<void> {
    await virsh([verb, machineRef, inputFile, '--persistent'], { input: xml, isChange: true, signal });
  }

  return {
    get,

    async create({ sizeGiB, source }, tag, name, operation) {
      const present = await get(name, operation.signal);
      if (present && !isSameTag(present.tag, tag))
        throw new ProviderError('conflict', `The volume ${name} is of ${present.tag.resource}`);
      if (!present && source.kind === 'blank') await storage.create(name, sizeGiB, operation);
      if (!present && source.kind !== 'blank') {
        if (source.kind === 'volume') await free(source.ref, operation.signal);
        await ignoring(['conflict'], storage.copy(source.ref, name, operation));
      }
      const made = await get(name, operation.signal);
      if (!made) throw new ProviderError('transient', `The volume ${name} is gone already`);
      return made;
    },

    async list(owner, signal) {
      const [names, uses] = await Promise.all([storage.names(signal), usesOf(virsh, signal)]);
      const ours = names.filter((name) => tagOf('volume', name)?.owner === owner);
      const volumes = await Promise.all(ours.map(async (name) => read(name, uses, signal)));
      return volumes.filter((volume) => volume !== undefined);
    },

    async destroy(ref, operation) {
      if (!(await get(ref, operation.signal))) return;
      await free(ref, operation.signal);
      await storage.remove(ref, operation);
    },

    async attach(ref, machineRef, operation) {
      const uses = await usesOf(virsh, operation.signal);
      const use = uses.get(ref);
      if (use?.machineRef === machineRef) return;
      if (use) throw new ProviderError('conflict', `${ref} is attached to ${use.machineRef}`);
      const { tag } = await free(ref, operation.signal);
      const taken = new Set(
        [...uses.values()].filter((one) => one.machineRef === machineRef).map((one) => one.device),
      );
      const dev = 'bcdefghijklmnopqrstuvwxyz'
        .split('')
        .map((letter) => `sd${letter}`)
        .find((one) => !taken.has(one));
      if (dev === undefined) throw new ProviderError('capacity', `${machineRef} has no place for a disk`);
      // QEMU passes on no more than 20 characters of a serial number.
      const serial = tag.resource.slice(0, 20);
      const xml = writeXml({ disk: disk(settings, ref, { dev, bus: 'scsi', serial }) });
      await device('attach-device', { machineRef, xml }, operation);
    },

    async detach(ref, operation) {
      const use = (await usesOf(virsh, operation.signal)).get(ref);
      if (!use) return;
      const xml = writeXml({ disk: disk(settings, ref, { dev: use.device, bus: 'scsi' }) });
      await device('detach-device', { machineRef: use.machineRef, xml }, operation);
    },

    async revert(ref, snapshotRef, operation) {
      await free(ref, operation.signal);
      if (snapshotPattern.exec(snapshotRef)?.[2] !== ref)
        throw new ProviderError('invalid', `${snapshotRef} is no snapshot of ${ref}`);
      await storage.overwrite(snapshotRef, ref, { dataDir, operation });
    },
  };
}

/** Whole copies, `<name>.of.<volume>`: independent of what becomes of the volume. Only of one that nothing writes to. */
export function libvirtSnapshots({ virsh, storage }: Parts): SnapshotPort {
  async function get(ref: string, signal: AbortSignal): Promise<Snapshot | undefined> {
    const [, name = '', volumeRef = ''] = snapshotPattern.exec(ref) ?? [];
    const tag = tagOf('snapshot', name);
    const file = tag && (await storage.find(ref, signal));
    if (!tag || !file) return undefined;
    const sizeGiB = file.bytes / bytesPerGiB;
    return { ref, name, tag, state: 'running', detail: '', createdAt: null, volumeRef, sizeGiB };
  }

  return {
    get,

    async create({ volumeRef }, _tag, name, operation) {
      const use = (await usesOf(virsh, operation.signal)).get(volumeRef);
      if (use) throw new ProviderError('conflict', `${volumeRef} is attached to ${use.machineRef}`);
      const ref = `${name}.of.${volumeRef}`;
      await storage.copy(volumeRef, ref, operation).catch((error: unknown) => {
        if (!isProviderFault(error, 'conflict')) throw error;
      });
      const made = await get(ref, operation.signal);
      if (!made) throw new ProviderError('transient', `The snapshot ${ref} is gone already`);
      return made;
    },

    async list(owner, signal) {
      const names = await storage.names(signal);
      const snapshots = await Promise.all(
        names.filter((name) => snapshotPattern.test(name)).map(async (name) => get(name, signal)),
      );
      return snapshots.filter((one) => one !== undefined).filter(({ tag }) => tag.owner === owner);
    },

    async destroy(ref, operation) {
      if (await get(ref, operation.signal)) await storage.remove(ref, operation);
    },
  };
}
