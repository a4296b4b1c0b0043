import { posix } from 'node:path';
import { hostVolumeThingSchema, type HostVolumeCommand, type HostVolumeThing } from '@medusa/protocol';
import {
  ProviderError,
  type Item,
  type Operation,
  type Snapshot,
  type SnapshotPort,
  type Volume,
  type VolumePort,
} from '../../port/index.ts';
import { askProgram, type Execute } from './programs.ts';
import type { HostStorage } from './settings.ts';

type Command = HostVolumeCommand extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'settings'>
    : never
  : never;

export type HostVolumePorts = {
  readonly volumes: VolumePort;
  readonly snapshots: SnapshotPort;
  /** When a machine is gone: its volumes are let go. */
  release(machineRef: string, operation: Operation): Promise<void>;
};

type Machines = {
  has(ref: string, signal: AbortSignal): Promise<boolean>;
  /** A machine's folder on the host: its volumes' devices are found in it, under `volumes/`. */
  folderOf(ref: string): string;
};

/** Block volumes and snapshots of a plain host, by its volume program. */
export function openVolumePorts(
  execute: Execute,
  { program, ...settings }: HostStorage,
  machines: Machines,
): HostVolumePorts {
  const tell = async (command: Command, signal: AbortSignal): Promise<HostVolumeThing[]> => {
    const full = { ...command, settings };
    const things = await askProgram(execute, program, { command: full, signal });
    return things.map((thing) => hostVolumeThingSchema.parse(thing));
  };
  const one = async (command: Command, signal: AbortSignal): Promise<HostVolumeThing> => {
    const [thing] = await tell(command, signal);
    if (!thing) throw new ProviderError('unknown-outcome', 'The host did not tell back what it made');
    return thing;
  };
  const all = async (
    kind: HostVolumeThing['kind'],
    owner: string | null,
    signal: AbortSignal,
  ): Promise<HostVolumeThing[]> =>
    (await tell({ do: 'list', owner }, signal)).filter((thing) => thing.kind === kind);
  const find = async (
    kind: HostVolumeThing['kind'],
    ref: string,
    signal: AbortSignal,
  ): Promise<HostVolumeThing | undefined> => (await all(kind, null, signal)).find(({ id }) => id === ref);

  return {
    volumes: {
      async create({ sizeGiB, type, source }, tag, name, { signal }) {
        if (type !== null && type !== sparseType)
          throw new ProviderError('invalid', `There is no volume type ${type}`);
        const from = source.kind === 'blank' ? source : { kind: source.kind, id: source.ref };
        return toVolume(
          await one({ do: 'create', id: name, tag, sizeMiB: sizeGiB * 1024, source: from }, signal),
        );
      },
      async get(ref, signal) {
        const thing = await find('volume', ref, signal);
        return thing && toVolume(thing);
      },
      list: async (owner, signal) => (await all('volume', owner, signal)).map(toVolume),
      async destroy(ref, { signal }) {
        await tell({ do: 'remove', id: ref, kind: 'volume' }, signal);
      },
      async attach(ref, machineRef, { signal }) {
        if (!(await machines.has(machineRef, signal)))
          throw new ProviderError('not-found', `There is no machine ${machineRef}`);
        const link = posix.join(machines.folderOf(machineRef), 'volumes', ref);
        await tell({ do: 'attach', id: ref, machine: machineRef, link }, signal);
      },
      async detach(ref, { signal }) {
        await tell({ do: 'detach', id: ref }, signal);
      },
      async revert(ref, snapshotRef, { signal }) {
        await tell({ do: 'revert', id: ref, snapshot: snapshotRef }, signal);
      },
    },

    snapshots: {
      create: async ({ volumeRef }, tag, name, { signal }) =>
        toSnapshot(await one({ do: 'snapshot', id: name, tag, volume: volumeRef }, signal)),
      async get(ref, signal) {
        const thing = await find('snapshot', ref, signal);
        return thing && toSnapshot(thing);
      },
      list: async (owner, signal) => (await all('snapshot', owner, signal)).map(toSnapshot),
      async destroy(ref, { signal }) {
        await tell({ do: 'remove', id: ref, kind: 'snapshot' }, signal);
      },
    },

    async release(machineRef, { signal }) {
      for (const { id, attachedTo } of await all('volume', null, signal))
        if (attachedTo?.machine === machineRef) await tell({ do: 'detach', id }, signal);
    },
  };
}

/** Files that take the room of what was written to them. */
export const sparseType = 'sparse';

function itemOf({ id, tag, state, detail, createdAt }: HostVolumeThing): Item {
  return {
    ...{ ref: id, name: id, tag, detail },
    state: state === 'up' ? 'running' : 'error',
    createdAt: new Date(createdAt),
  };
}

function toVolume(thing: HostVolumeThing): Volume {
  const { sizeMiB, attachedTo } = thing;
  return {
    ...itemOf(thing),
    sizeGiB: sizeMiB / 1024,
    attachedTo: attachedTo && { machineRef: attachedTo.machine, device: attachedTo.device },
  };
}

function toSnapshot(thing: HostVolumeThing): Snapshot {
  return { ...itemOf(thing), volumeRef: thing.volume ?? '', sizeGiB: thing.sizeMiB / 1024 };
}
