import type { ContainerCreateOptions } from 'dockerode';
import { z } from 'zod';
import {
  findSize,
  isProviderFault,
  isSameTag,
  labelsOf,
  ProviderError,
  readLabels,
  type ItemState,
  type Machine,
  type MachineAction,
  type MachinePort,
  type MachineRequest,
  type Operation,
} from '../../port/index.ts';
import { changed, found, parsed, raced, told, type Engine } from './client.ts';
import { plainText } from './log-stream.ts';
import type { DockerSettings } from './settings.ts';

/** Docker Engine API, `ContainerInspect`. */
const containerSchema = z.object({
  Name: z.string(),
  Created: z.string(),
  State: z.object({ Status: z.string(), ExitCode: z.int(), Error: z.string().optional() }),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
  NetworkSettings: z.object({
    Networks: z
      .record(
        z.string(),
        z.object({ IPAddress: z.string().nullish(), GlobalIPv6Address: z.string().nullish() }),
      )
      .nullish(),
  }),
});

/** `ContainerList`. */
const listedSchema = z.object({ Names: z.array(z.string()), Labels: z.record(z.string(), z.string()) });

/** Docker Engine API, `ContainerState.Status`, and Podman's own words. */
const states: Readonly<Record<string, ItemState>> = {
  created: 'stopped',
  configured: 'stopped',
  initialized: 'stopped',
  running: 'running',
  paused: 'suspended',
  restarting: 'starting',
  stopping: 'stopping',
  removing: 'stopping',
  exited: 'stopped',
  stopped: 'stopped',
  dead: 'error',
};

const leadsTo: Readonly<Record<MachineAction, ItemState>> = {
  start: 'running',
  stop: 'stopped',
  restart: 'running',
  suspend: 'suspended',
  resume: 'running',
};

const consoleBytes = 64 * 1024;

/** Containers. `ref` is the name: it stays when a container is made anew to change its mounts. */
export function dockerMachines(engine: Engine, settings: DockerSettings): MachinePort {
  async function get(ref: string, signal: AbortSignal): Promise<Machine | undefined> {
    const answer = await found(async () => engine.getContainer(ref).inspect({ abortSignal: signal }));
    return answer && toMachine(answer);
  }

  async function existing(ref: string, signal: AbortSignal): Promise<Machine> {
    const machine = await get(ref, signal);
    if (!machine) throw new ProviderError('not-found', `Docker has no container ${ref}`);
    return machine;
  }

  async function remove(ref: string, { signal }: Operation): Promise<void> {
    await changed(async () => engine.getContainer(ref).remove({ force: true, abortSignal: signal })).catch(
      (error: unknown) => {
        if (!isProviderFault(error, 'not-found')) throw error;
      },
    );
  }

  /** Attaches the other networks and starts; what does not start was not made. */
  async function begin(ref: string, networks: readonly string[], operation: Operation): Promise<void> {
    const abortSignal = operation.signal;
    try {
      for (const network of networks)
        await changed(async () =>
          raced<unknown>(
            abortSignal,
            async () => engine.getNetwork(network).connect({ Container: ref }) as Promise<unknown>,
          ),
        );
      await changed(async () => engine.getContainer(ref).start({ abortSignal }));
    } catch (error) {
      if (!isProviderFault(error, 'unknown-outcome')) await remove(ref, operation);
      throw error;
    }
  }

  async function step(ref: string, action: MachineAction, abortSignal: AbortSignal): Promise<void> {
    const container = engine.getContainer(ref);
    const t = settings.stopSeconds;
    const calls: Readonly<Record<MachineAction, () => Promise<unknown>>> = {
      start: async () => container.start({ abortSignal }) as Promise<unknown>,
      resume: async () => container.start({ abortSignal }) as Promise<unknown>,
      stop: async () => container.stop({ t, abortSignal }) as Promise<unknown>,
      restart: async () => container.restart({ t, abortSignal }) as Promise<unknown>,
      suspend: async () => container.pause({ abortSignal }) as Promise<unknown>,
    };
    await changed(calls[action]);
  }

  return {
    actions: ['start', 'stop', 'restart', 'suspend', 'resume'],
    get,

    async create(request, tag, name, operation) {
      const [network = settings.network, ...others] = request.networkRefs;
      const options = {
        ...optionsOf(request, settings),
        name,
        Labels: { ...labelsOf(tag, name), 'medusa-image': request.image, 'medusa-size': request.size },
      };
      const abortSignal = operation.signal;
      try {
        await told(true, async () =>
          engine.createContainer({
            ...options,
            HostConfig: { ...options.HostConfig, NetworkMode: network },
            abortSignal,
          }),
        );
      } catch (error) {
        if (!isProviderFault(error, 'conflict')) throw error;
        const present = await get(name, operation.signal);
        if (!present || !isSameTag(present.tag, tag)) throw error;
        if (present.state === 'stopped')
          await changed(async () => engine.getContainer(name).start({ abortSignal }));
        return existing(name, operation.signal);
      }
      await begin(name, others, operation);
      return existing(name, operation.signal);
    },

    async list(owner, signal) {
      const filters = { label: [`medusa-owner=${owner}`] };
      const answers = await told(false, async () =>
        engine.listContainers({ all: true, filters, abortSignal: signal }),
      );
      const names = parsed(z.array(listedSchema), answers)
        .filter(({ Labels }) => readLabels(Labels)?.tag.owner === owner)
        .map(({ Names: [name = ''] }) => name.replace(/^\//, ''));
      // The list knows no addresses and no reasons.
      const machines = await Promise.all(names.map(async (name) => get(name, signal)));
      return machines.filter((machine) => machine !== undefined);
    },

    async destroy(ref, operation) {
      if (await get(ref, operation.signal)) await remove(ref, operation);
    },

    async act(ref, action, operation) {
      const present = await existing(ref, operation.signal);
      if (action !== 'restart' && present.state === leadsTo[action]) return;
      try {
        // A paused container does not hear that it should end.
        if (present.state === 'suspended')
          await changed(async () => engine.getContainer(ref).unpause({ abortSignal: operation.signal }));
        await step(ref, action, operation.signal);
      } catch (error) {
        if (!isProviderFault(error, 'conflict')) throw error;
        if ((await get(ref, operation.signal))?.state !== leadsTo[action]) throw error;
      }
    },

    async console(ref, signal) {
      const log = await told(false, async () =>
        engine
          .getContainer(ref)
          .logs({ stdout: true, stderr: true, tail: 1_000, follow: false, abortSignal: signal }),
      );
      return { kind: 'text', text: plainText(log, consoleBytes) };
    },
  };
}

function optionsOf(request: MachineRequest, settings: DockerSettings): ContainerCreateOptions {
  const size = findSize(settings.sizes, request.size);
  return {
    Image: request.image,
    Env: Object.entries(request.guest.environment).map(([name, value]) => `${name}=${value}`),
    StopTimeout: settings.stopSeconds,
    HostConfig: {
      // Whether it runs is decided here, not by Docker.
      RestartPolicy: { Name: 'no' },
      Privileged: false,
      NanoCpus: Math.round(size.cpus * 1e9),
      Memory: size.memoryMiB * 1_024 * 1_024,
      ShmSize: settings.shmMiB * 1_024 * 1_024,
      ExtraHosts: settings.extraHosts,
      ...(size.gpu && {
        DeviceRequests: [
          { Driver: settings.gpuDriver, Count: size.gpu.count, Capabilities: [['gpu', 'video', 'graphics']] },
        ],
      }),
    },
  };
}

function toMachine(answer: unknown): Machine | undefined {
  const { Name, Created, State, Config, NetworkSettings } = parsed(containerSchema, answer);
  const labels = readLabels(Config.Labels ?? {});
  if (!labels) return undefined;
  const networks = Object.values(NetworkSettings.Networks ?? {});
  return {
    ref: Name.replace(/^\//, ''),
    ...labels,
    state: states[State.Status] ?? 'unknown',
    detail: detailOf(State),
    createdAt: new Date(Created),
    addresses: networks
      .flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address])
      .filter((address) => typeof address === 'string' && address !== '') as string[],
    image: Config.Labels?.['medusa-image'] ?? null,
    size: Config.Labels?.['medusa-size'] ?? null,
    zone: null,
  };
}

function detailOf({ Status, ExitCode, Error: reason }: z.infer<typeof containerSchema>['State']): string {
  const code = Status === 'exited' || Status === 'stopped' ? ` (${ExitCode})` : '';
  return `${Status}${code}${reason ? `: ${reason}` : ''}`;
}
