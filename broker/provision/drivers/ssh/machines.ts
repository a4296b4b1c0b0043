import { z } from 'zod';
import type { HostNetworkPorts, HostVolumePorts } from '../host/index.ts';
import { ProviderError, type Machine, type MachinePort, type MachineRequest } from '../../port/index.ts';
import type { FarHost } from './far-host.ts';
import type { FarRequest } from './on-host.ts';

export const sshImage = 'agent';
export const sshSize = 'host';

const machineSchema = z.object({
  name: z.string(),
  tag: z.object({ owner: z.string(), resource: z.string(), incarnation: z.int() }),
  createdAt: z.iso.datetime(),
  addresses: z.array(z.string()),
  isOn: z.boolean(),
  isRunning: z.boolean(),
  isSameBoot: z.boolean(),
  process: z.object({ pid: z.int() }).nullable(),
});
type FarMachine = z.infer<typeof machineSchema>;

export type MachineSettings = {
  readonly dir: string;
  /** Program and arguments of the agent on that host. */
  readonly command: readonly string[];
  readonly stopMs: number;
  readonly rtcPort: number;
  readonly host: string;
};

type Parts = {
  readonly network: HostNetworkPorts | undefined;
  readonly volumes: HostVolumePorts | undefined;
};

/** Machines as processes of a far host. A machine's reference is its name, which is its folder's there. */
export function createMachines(far: FarHost, settings: MachineSettings, parts: () => Parts): MachinePort {
  const { dir, stopMs, command, rtcPort, host } = settings;
  const base = { dir, stopMs };
  const all = async (signal: AbortSignal): Promise<FarMachine[]> =>
    far.ask({ ...base, do: 'list' }, z.array(machineSchema), signal);
  const toMachine = (machine: FarMachine): Machine => ({
    ...{ ref: machine.name, name: machine.name, tag: machine.tag, ...stateOf(machine) },
    createdAt: new Date(machine.createdAt),
    addresses: machine.addresses.length > 0 ? machine.addresses : [host],
    ...{ image: sshImage, size: sshSize, zone: null },
  });

  return {
    actions: ['start', 'stop', 'restart'],

    async create(request, tag, name, operation) {
      operation.signal.throwIfAborted();
      check(request);
      const { network } = parts();
      if (!network && request.networkRefs.length + request.securityGroupRefs.length > 0)
        throw new ProviderError('invalid', 'Networks are not set up on this host');
      const placement = (await network?.place(name, request, { tag, operation })) ?? {
        prefix: [],
        addresses: [],
      };
      const ask: FarRequest = {
        ...{ ...base, do: 'create', name, tag, rtcPort, addresses: placement.addresses },
        command: [...placement.prefix, ...command],
        environment: request.guest.environment,
      };
      try {
        return toMachine(await far.ask(ask, machineSchema, operation.signal));
      } catch (error) {
        if (network && madeNothing(error)) await network.displace(name, operation).catch(() => undefined);
        throw error;
      }
    },

    async get(ref, signal) {
      const found = (await all(signal)).find(({ name }) => name === ref);
      return found && toMachine(found);
    },

    list: async (owner, signal) =>
      (await all(signal)).filter(({ tag }) => tag.owner === owner).map((machine) => toMachine(machine)),

    async destroy(ref, operation) {
      const { signal } = operation;
      if (!machineName.test(ref)) return;
      await far.ask({ ...base, do: 'stop', name: ref }, z.unknown(), signal).catch((error: unknown) => {
        if (!(error instanceof ProviderError && error.fault === 'not-found')) throw error;
      });
      const { network, volumes } = parts();
      await volumes?.release(ref, operation);
      await network?.displace(ref, operation);
      // Its folder last: as long as it is there, whoever looks sees that something is left to do.
      await far.ask({ ...base, do: 'destroy', name: ref }, z.unknown(), signal);
    },

    async act(ref, action, { signal }) {
      if (action === 'suspend' || action === 'resume')
        throw new ProviderError('invalid', 'A process is only started, stopped and restarted');
      if (!machineName.test(ref)) throw new ProviderError('not-found', `There is no machine ${ref}`);
      if (action !== 'start') await far.ask({ ...base, do: 'stop', name: ref }, z.unknown(), signal);
      if (action !== 'stop') await far.ask({ ...base, do: 'start', name: ref }, z.unknown(), signal);
    },

    async console(ref, signal) {
      if (!machineName.test(ref)) throw new ProviderError('not-found', `There is no machine ${ref}`);
      const { text } = await far.ask(
        { ...base, do: 'console', name: ref },
        z.object({ text: z.string() }),
        signal,
      );
      return { kind: 'text', text };
    },
  };
}

/** Then nothing is to be left; when that is not known, the ports wait for whoever finds out. */
function madeNothing(error: unknown): boolean {
  return error instanceof ProviderError && error.fault !== 'unknown-outcome' && error.fault !== 'conflict';
}

/** A name is a folder there: nothing that leads out of it is one. */
const machineName = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

function check({ image, size, zone }: MachineRequest): void {
  if (image !== sshImage) throw new ProviderError('invalid', `There is no image ${image} on this host`);
  if (size !== sshSize) throw new ProviderError('invalid', `There is no size ${size} on this host`);
  if (zone !== null) throw new ProviderError('invalid', 'A host has no zones');
}

function stateOf({ isOn, isRunning, isSameBoot, process }: FarMachine): Pick<Machine, 'state' | 'detail'> {
  if (isRunning) return { state: 'running', detail: `process ${process?.pid ?? 0}` };
  if (!isOn) return { state: 'stopped', detail: 'stopped' };
  if (process === null) return { state: 'pending', detail: 'It was never started' };
  return {
    state: 'terminated',
    detail: isSameBoot ? `The process ${process.pid} has ended` : 'The host was started anew since',
  };
}
