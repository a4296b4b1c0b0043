import { z } from 'zod';
import {
  isProviderFault,
  isSameTag,
  labelsOf,
  ProviderError,
  readLabels,
  type Operation,
  type Volume,
  type VolumePort,
} from '../../port/index.ts';
import { changed, found, parsed, raced, told, type Engine } from './client.ts';

/** Docker Engine API, `Volume`. */
const volumeSchema = z.object({
  Name: z.string(),
  CreatedAt: z.string().optional(),
  Labels: z.record(z.string(), z.string()).nullish(),
});

const userSchema = z.object({ Names: z.array(z.string()) });

/** What making a container anew needs of the one that is there. */
const recipeSchema = z.object({
  State: z.object({ Running: z.boolean() }),
  Config: z.object({
    Image: z.string(),
    Env: z.array(z.string()).nullish(),
    Labels: z.record(z.string(), z.string()),
  }),
  HostConfig: z.looseObject({}),
  Mounts: z.array(z.object({ Type: z.string(), Name: z.string().optional(), Destination: z.string() })),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.unknown()).nullish() }),
});

const sizeKey = 'medusa-size-gib';

/**
 * Named volumes, mounted at `/mnt/<name>`. Docker sets no bounds to their size: it is noted.
 * A container gets its mounts when it is made: to attach or detach it is made anew under its name, and what it wrote outside of
 * volumes is gone. There are no snapshots.
 */
export function dockerVolumes(engine: Engine): VolumePort {
  async function usersOf(ref: string, signal: AbortSignal): Promise<readonly string[]> {
    const filters = { volume: [ref] };
    const answers = await told(false, async () =>
      engine.listContainers({ all: true, filters, abortSignal: signal }),
    );
    return parsed(z.array(userSchema), answers).map(({ Names: [name = ''] }) => name.replace(/^\//, ''));
  }

  async function toVolume(answer: unknown, signal: AbortSignal): Promise<Volume | undefined> {
    const { Name, CreatedAt, Labels } = parsed(volumeSchema, answer);
    const labels = readLabels(Labels ?? {});
    if (!labels) return undefined;
    const [machineRef] = await usersOf(Name, signal);
    return {
      ref: Name,
      ...labels,
      state: 'running',
      detail: machineRef === undefined ? 'free' : 'in use',
      createdAt: CreatedAt === undefined ? null : new Date(CreatedAt),
      sizeGiB: Number(Labels?.[sizeKey] ?? 0),
      attachedTo: machineRef === undefined ? null : { machineRef, device: mountPoint(Name) },
    };
  }

  const get = async (ref: string, signal: AbortSignal): Promise<Volume | undefined> => {
    const answer = await found(async () => engine.getVolume(ref).inspect({ abortSignal: signal }));
    return answer && toVolume(answer, signal);
  };
  const existing = async (ref: string, signal: AbortSignal): Promise<Volume> => {
    const volume = await get(ref, signal);
    if (!volume) throw new ProviderError('not-found', `Docker has no volume ${ref}`);
    return volume;
  };

  return {
    get,

    async create(request, tag, name, operation) {
      if (request.source.kind !== 'blank') throw new ProviderError('invalid', 'Docker copies no volumes');
      const present = await get(name, operation.signal);
      if (!present) {
        const Labels = { ...labelsOf(tag, name), [sizeKey]: String(request.sizeGiB) };
        const abortSignal = operation.signal;
        // Docker answers a volume that is there already; Podman refuses it.
        await changed(async () =>
          engine.createVolume({ Name: name, Driver: request.type ?? 'local', Labels, abortSignal }),
        ).catch((error: unknown) => {
          if (!isProviderFault(error, 'conflict')) throw error;
        });
      }
      const volume = await existing(name, operation.signal);
      if (!isSameTag(volume.tag, tag))
        throw new ProviderError('conflict', `The volume ${name} is of ${volume.tag.resource}`);
      return volume;
    },

    async list(owner, signal) {
      const filters = { label: [`medusa-owner=${owner}`] };
      const { Volumes: answers } = await told(false, async () =>
        engine.listVolumes({ filters: JSON.stringify(filters) as never, abortSignal: signal }),
      );
      const volumes = await Promise.all(answers.map(async (answer) => toVolume(answer, signal)));
      return volumes.filter((volume) => volume !== undefined).filter(({ tag }) => tag.owner === owner);
    },

    async destroy(ref, { signal }) {
      if (!(await get(ref, signal))) return;
      await changed(async () => engine.getVolume(ref).remove({ abortSignal: signal })).catch(
        (error: unknown) => {
          if (!isProviderFault(error, 'not-found')) throw error;
        },
      );
    },

    async attach(ref, machineRef, operation) {
      const { attachedTo } = await existing(ref, operation.signal);
      if (attachedTo?.machineRef === machineRef) return;
      if (attachedTo) throw new ProviderError('conflict', `${ref} is attached to ${attachedTo.machineRef}`);
      await remake(engine, { machineRef, change: (mounted) => [...mounted, ref] }, operation);
    },

    async detach(ref, operation) {
      for (const machineRef of await usersOf(ref, operation.signal))
        await remake(
          engine,
          { machineRef, change: (mounted) => mounted.filter((name) => name !== ref) },
          operation,
        );
    },
  };
}

const mountPoint = (volume: string): string => `/mnt/${volume}`;

/** The same container with other volumes. A crash in between leaves none: it is made again as any machine that is gone. */
async function remake(
  engine: Engine,
  { machineRef, change }: { machineRef: string; change: (mounted: readonly string[]) => readonly string[] },
  { signal: abortSignal }: Operation,
): Promise<void> {
  const container = engine.getContainer(machineRef);
  const { Config, HostConfig, Mounts, NetworkSettings, State } = parsed(
    recipeSchema,
    await told(false, async () => container.inspect({ abortSignal })),
  );
  const mounted = Mounts.flatMap(({ Type, Name }) => (Type === 'volume' && Name ? [Name] : []));
  const [network = 'none', ...others] = Object.keys(NetworkSettings.Networks ?? {});
  await changed(async () => container.remove({ force: true, abortSignal }));
  await told(true, async () =>
    engine.createContainer({
      name: machineRef,
      Image: Config.Image,
      Env: Config.Env ?? [],
      Labels: Config.Labels,
      HostConfig: {
        ...hostConfigOf(HostConfig),
        NetworkMode: network,
        Mounts: change(mounted).map((name) => ({ Type: 'volume', Source: name, Target: mountPoint(name) })),
      },
      abortSignal,
    }),
  );
  for (const other of others)
    await changed(async () =>
      raced(
        abortSignal,
        async () => engine.getNetwork(other).connect({ Container: machineRef }) as Promise<unknown>,
      ),
    );
  if (State.Running) await changed(async () => engine.getContainer(machineRef).start({ abortSignal }));
}

/** What `machines.ts` sets, and no more: an inspected configuration has fields that a create does not take. */
function hostConfigOf(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept = ['RestartPolicy', 'NanoCpus', 'Memory', 'ShmSize', 'ExtraHosts', 'DeviceRequests'];
  return Object.fromEntries(
    Object.entries(config).filter(([key, value]) => kept.includes(key) && value !== null),
  );
}
