import { z } from 'zod';
import {
  isProviderFault,
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
import { findSize } from '../../port/sizes.ts';
import { createOnce, ignoring, pathOf, patiently, prefix, type Lxd } from './client.ts';
import type { SecurityOfNetworks } from './security-groups.ts';
import type { LxdSettings } from './settings.ts';

/** LXD REST API, `InstanceFull`. */
const instanceSchema = z.object({
  name: z.string(),
  status: z.string(),
  config: z.record(z.string(), z.string()),
  expanded_devices: z.record(z.string(), z.record(z.string(), z.string())),
  location: z.string(),
  created_at: z.string(),
  state: z
    .object({
      network: z
        .record(
          z.string(),
          z.object({
            host_name: z.string(),
            addresses: z.array(z.object({ address: z.string(), scope: z.string() })),
          }),
        )
        .nullable(),
    })
    .nullish(),
});
type Instance = z.infer<typeof instanceSchema>;

/** LXD REST API, "Status codes" 101–113. */
const states: Readonly<Record<string, ItemState>> = {
  Started: 'running',
  Running: 'running',
  Ready: 'running',
  Thawed: 'running',
  Stopped: 'stopped',
  Starting: 'starting',
  Stopping: 'stopping',
  Aborting: 'stopping',
  Freezing: 'running',
  Frozen: 'suspended',
  Error: 'error',
};

type Step = { readonly state: string; readonly isForced?: boolean };
const steps: Readonly<Record<MachineAction, Step & { readonly leadsTo: ItemState }>> = {
  start: { state: 'start', leadsTo: 'running' },
  stop: { state: 'stop', leadsTo: 'stopped' },
  restart: { state: 'restart', leadsTo: 'running' },
  suspend: { state: 'freeze', leadsTo: 'suspended' },
  resume: { state: 'unfreeze', leadsTo: 'running' },
};

const fingerprint = /^[0-9a-f]{12,64}$/;

/** Containers or virtual machines. Unprivileged, as LXD makes them by default: nothing here asks for more. */
export function lxdMachines(lxd: Lxd, settings: LxdSettings, security: SecurityOfNetworks): MachinePort {
  async function instance(name: string, signal: AbortSignal): Promise<Instance | undefined> {
    const found = await lxd.find(instanceSchema, pathOf(['instances', name], { recursion: '1' }), signal);
    return found && readLabels(found.value.config, prefix) ? found.value : undefined;
  }

  async function get(ref: string, signal: AbortSignal): Promise<Machine | undefined> {
    const found = await instance(ref, signal);
    return found && toMachine(found);
  }

  async function existing(ref: string, signal: AbortSignal): Promise<Machine> {
    const machine = await get(ref, signal);
    if (!machine) throw new ProviderError('not-found', `LXD has no instance ${ref}`);
    return machine;
  }

  async function change(ref: string, step: Step, operation: Operation): Promise<void> {
    const { state: action, isForced = false } = step;
    const timeout = action === 'stop' || action === 'restart' ? settings.stopSeconds : 30;
    const body = { action, force: isForced, timeout };
    await lxd.change(pathOf(['instances', ref, 'state']), { method: 'PUT', body }, operation);
  }

  /** What does not start was not made. */
  async function startNew(ref: string, operation: Operation): Promise<Machine> {
    try {
      await lead(ref, steps.start, operation);
    } catch (error) {
      if (!isProviderFault(error, 'unknown-outcome')) await remove(ref, operation);
      throw error;
    }
    return existing(ref, operation.signal);
  }

  /** Two may start it at once, or it may have ended by itself: what counts is where it is. */
  async function startExisting(ref: string, operation: Operation): Promise<Machine> {
    const before = await get(ref, operation.signal);
    if (before?.state === 'stopped')
      await change(ref, { state: 'start' }, operation).catch((error: unknown) => {
        if (isProviderFault(error, 'unknown-outcome', 'auth')) throw error;
      });
    return existing(ref, operation.signal);
  }

  /** A shutdown that was given up still holds the instance for a moment. */
  async function remove(ref: string, operation: Operation): Promise<void> {
    await patiently(operation, async () => {
      await ignoring(
        ['not-found', 'transient', 'conflict'],
        change(ref, { state: 'stop', isForced: true }, operation),
      );
      await ignoring(['not-found'], lxd.change(pathOf(['instances', ref]), { method: 'DELETE' }, operation));
    });
  }

  /** Whoever else leads it to the same state at the same time is no failure. */
  async function lead(ref: string, step: Step & { leadsTo: ItemState }, operation: Operation): Promise<void> {
    try {
      await change(ref, step, operation);
    } catch (error) {
      if (!isProviderFault(error, 'transient', 'invalid', 'conflict')) throw error;
      if ((await get(ref, operation.signal))?.state !== step.leadsTo) throw error;
    }
  }

  return {
    actions: ['start', 'stop', 'restart', 'suspend', 'resume'],
    get,

    async create(request, tag, name, operation) {
      const body = { ...bodyOf(request, settings, labelsOf(tag, name, prefix)), name };
      await security.apply(await networksOf(lxd, settings, request, operation.signal), {
        groups: request.securityGroupRefs,
        owner: tag.owner,
        operation,
      });
      const path = pathOf(['instances'], request.zone === null ? {} : { target: request.zone });
      const fate = { isMine: false };
      await createOnce(
        tag,
        async () => {
          await lxd.change(path, { method: 'POST', body }, operation);
          fate.isMine = true;
        },
        async () => get(name, operation.signal),
      );
      return fate.isMine ? startNew(name, operation) : startExisting(name, operation);
    },

    async list(owner, signal) {
      // The server filters, we check: an older LXD ignores a filter it does not know.
      const filter = `config.${prefix}owner eq ${owner}`;
      const found = await lxd.read(
        z.array(instanceSchema),
        pathOf(['instances'], { recursion: '2', filter }),
        signal,
      );
      return found
        .filter(({ config }) => readLabels(config, prefix)?.tag.owner === owner)
        .map((one) => toMachine(one));
    },

    async destroy(ref, operation) {
      if (await instance(ref, operation.signal)) await remove(ref, operation);
    },

    async act(ref, action, operation) {
      const present = await existing(ref, operation.signal);
      const step = steps[action];
      if (action !== 'restart' && present.state === step.leadsTo) return;
      const { leadsTo } = step;
      const first = { ...stepFrom(present.state, action), leadsTo };
      if (action !== 'stop' && action !== 'restart') return lead(ref, first, operation);
      // A guest that does not shut down by itself is made to.
      try {
        await change(ref, first, operation);
      } catch (error) {
        if (!isProviderFault(error, 'transient', 'invalid', 'conflict')) throw error;
        await patiently(operation, async () => {
          const { state } = await existing(ref, operation.signal);
          if (state !== leadsTo || action === 'restart')
            await lead(ref, { ...stepFrom(state, action), leadsTo, isForced: true }, operation);
        });
      }
    },

    async console(ref, signal) {
      try {
        const text = await lxd.text(pathOf(['instances', ref, 'console']), signal);
        return { kind: 'text', text: lastBytes(text, 64 * 1024) };
      } catch (error) {
        // LXD answers 500 for a log that it has not begun: there is nothing to show.
        if (isProviderFault(error, 'invalid') && error.message.includes('no such file'))
          return { kind: 'text', text: '' };
        throw error;
      }
    },
  };
}

function stepFrom(state: ItemState, action: MachineAction): Step {
  if (state === 'suspended' && action === 'start') return { state: 'unfreeze' };
  if (state === 'stopped' && (action === 'restart' || action === 'resume')) return { state: 'start' };
  return steps[action];
}

function bodyOf(
  request: MachineRequest,
  settings: LxdSettings,
  labels: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> {
  const { image, guest } = request;
  const size = findSize(settings.sizes, request.size);
  const environment = Object.entries(guest.environment).map(([name, value]) => [
    `environment.${name}`,
    value,
  ]);
  return {
    type: settings.instanceType,
    source: fingerprint.test(image) ? { type: 'image', fingerprint: image } : { type: 'image', alias: image },
    profiles: settings.profiles,
    config: {
      ...Object.fromEntries(environment),
      ...labels,
      [`${prefix}image`]: image,
      [`${prefix}size`]: size.id,
      'cloud-init.user-data': guest.userData,
      'limits.cpu': String(Math.ceil(size.cpus)),
      'limits.memory': `${size.memoryMiB}MiB`,
    },
    devices: { ...nicsOf(request, settings), ...(size.gpu ? settings.gpuDevices : {}) },
  };
}

function nicsOf(request: MachineRequest, settings: LxdSettings): Record<string, Record<string, string>> {
  const fallback = settings.network === null ? [] : [settings.network];
  const networks = request.networkRefs.length > 0 ? request.networkRefs : fallback;
  return Object.fromEntries(
    networks.map((network, index) => [`eth${index}`, { type: 'nic', name: `eth${index}`, network }]),
  );
}

const profileSchema = z.object({ devices: z.record(z.string(), z.record(z.string(), z.string())) });

/** The managed networks a machine will be on, those of its profiles included. */
async function networksOf(
  lxd: Lxd,
  settings: LxdSettings,
  request: MachineRequest,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (request.securityGroupRefs.length === 0) return [];
  const devices: Record<string, Record<string, string>> = {};
  for (const profile of settings.profiles)
    Object.assign(devices, (await lxd.read(profileSchema, pathOf(['profiles', profile]), signal)).devices);
  Object.assign(devices, nicsOf(request, settings));
  return Object.values(devices).flatMap(({ network }) => (network === undefined ? [] : [network]));
}

function toMachine({ name, status, config, state, location, created_at: created }: Instance): Machine {
  const labels = readLabels(config, prefix);
  if (!labels) throw new ProviderError('not-found', `The instance ${name} is not ours`);
  return {
    ref: name,
    ...labels,
    state: states[status] ?? 'unknown',
    detail: status,
    createdAt: new Date(created),
    addresses: Object.values(state?.network ?? {})
      // An interface that LXD did not make (the guest's own bridges) has no name on the host.
      .filter(({ host_name: hostName }) => hostName !== '')
      .flatMap(({ addresses }) => addresses.filter(({ scope }) => scope === 'global'))
      .map(({ address }) => address),
    image: config[`${prefix}image`] ?? null,
    size: config[`${prefix}size`] ?? null,
    zone: location === 'none' ? null : location,
  };
}

/** Begins with a whole character (UTF-8: a byte 10xxxxxx goes on with one). */
function lastBytes(text: string, bytes: number): string {
  const all = Buffer.from(text);
  let start = Math.max(0, all.length - bytes);
  while (start > 0 && ((all[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return all.subarray(start).toString('utf8');
}
