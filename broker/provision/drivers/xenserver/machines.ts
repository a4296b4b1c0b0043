import { z } from 'zod';
import {
  findSize,
  ProviderError,
  tagOf,
  type ItemState,
  type Machine,
  type MachineAction,
  type MachinePort,
  type MachineRequest,
  type Operation,
  type OwnerTag,
  type SizeSetting,
} from '../../port/index.ts';
import {
  allRecords,
  findRecord,
  nullRef,
  recordMapSchema,
  toTagMap,
  unlessGone,
  type Xapi,
} from './client.ts';

const machineSchema = z.object({
  name_label: z.string(),
  power_state: z.string(),
  is_a_template: z.boolean(),
  is_a_snapshot: z.boolean(),
  is_control_domain: z.boolean(),
  guest_metrics: z.string(),
  other_config: recordMapSchema,
  VBDs: z.array(z.string()),
  consoles: z.array(z.string()),
});
type XenMachine = z.infer<typeof machineSchema>;
const metricsSchema = z.object({ networks: recordMapSchema });

const states: Readonly<Record<string, ItemState>> = {
  Running: 'running',
  Halted: 'stopped',
  Paused: 'starting',
  Suspended: 'suspended',
};
const bytesPerMib = 1_048_576;

export function createMachinePort(xapi: Xapi, sizes: readonly SizeSetting[]): MachinePort {
  const find = async (ref: string, signal: AbortSignal): Promise<XenMachine | undefined> =>
    findRecord(xapi, 'VM', { ref, schema: machineSchema, signal });

  return {
    actions: ['start', 'stop', 'restart', 'suspend', 'resume'],

    async create(request, tag, name, operation) {
      const size = findSize(sizes, request.size);
      const { signal } = operation;
      const ref = String(await xapi.change('VM.clone', [request.image, name], signal));
      try {
        await furnish(xapi, ref, { request, size, tag, signal });
        await xapi.change('VM.provision', [ref], signal);
        await xapi.change('VM.start', [ref, false, false], signal);
      } catch (error) {
        // What failed for a known reason leaves nothing; what is not known is found by its name.
        if (error instanceof ProviderError && error.fault !== 'unknown-outcome')
          await dismantle(xapi, ref, operation);
        throw error;
      }
      const made = await find(ref, signal);
      if (!made) throw new ProviderError('unknown-outcome', `${ref} is not to be seen`);
      return toMachine(ref, made, { tag, addresses: [] });
    },

    async get(ref, signal) {
      const machine = await find(ref, signal);
      const tag = machine && tagOfMachine(machine);
      if (!machine || !tag) return undefined;
      const metrics =
        machine.guest_metrics === nullRef
          ? undefined
          : await findRecord(xapi, 'VM_guest_metrics', {
              ref: machine.guest_metrics,
              schema: metricsSchema,
              signal,
            });
      return toMachine(ref, machine, { tag, addresses: addressesOf(metrics) });
    },

    async list(owner, signal) {
      const metrics = new Map(await allRecords(xapi, 'VM_guest_metrics', { schema: metricsSchema, signal }));
      return (await allRecords(xapi, 'VM', { schema: machineSchema, signal })).flatMap(([ref, machine]) => {
        const tag = tagOfMachine(machine);
        const addresses = addressesOf(metrics.get(machine.guest_metrics));
        return tag?.owner === owner ? [toMachine(ref, machine, { tag, addresses })] : [];
      });
    },

    async act(ref, action, { signal }) {
      const machine = await find(ref, signal);
      if (!machine) throw new ProviderError('not-found', `There is no machine ${ref}`);
      const call = callOf(action, ref, states[machine.power_state] ?? 'unknown');
      if (call) await xapi.change(call.method, call.parameters, signal);
    },

    destroy: async (ref, operation) => dismantle(xapi, ref, operation),

    async console(ref, signal) {
      const machine = await find(ref, signal);
      const [first] = machine?.consoles ?? [];
      if (first === undefined) throw new ProviderError('not-found', `${ref} has no console now`);
      return { kind: 'url', url: String(await xapi.ask('console.get_location', [first], signal)) };
    },
  };
}

/** The name decides: a clone has the marks of its template until its own are written. */
function tagOfMachine({
  name_label: name,
  is_a_snapshot: isSnapshot,
  is_control_domain: isControl,
}: XenMachine): OwnerTag | undefined {
  return isSnapshot || isControl ? undefined : tagOf('machine', name);
}

async function furnish(
  xapi: Xapi,
  ref: string,
  {
    request,
    size,
    tag,
    signal,
  }: { request: MachineRequest; size: SizeSetting; tag: OwnerTag; signal: AbortSignal },
): Promise<void> {
  for (const [key, value] of Object.entries({
    ...toTagMap(tag),
    'medusa-size': size.id,
    'medusa-image': request.image,
  }))
    await xapi.change('VM.add_to_other_config', [ref, key, value], signal);
  const bytes = String(size.memoryMiB * bytesPerMib);
  await xapi.change('VM.set_memory_limits', [ref, bytes, bytes, bytes, bytes], signal);
  const cpus = String(Math.ceil(size.cpus));
  await xapi.change('VM.set_VCPUs_max', [ref, cpus], signal);
  await xapi.change('VM.set_VCPUs_at_startup', [ref, cpus], signal);
  // Read in the guest from xenstore: `xenstore-read vm-data/user-data`.
  const userData = Buffer.from(request.guest.userData).toString('base64');
  await xapi.change('VM.set_xenstore_data', [ref, { 'vm-data/user-data': userData }], signal);
  for (const [index, network] of request.networkRefs.entries())
    await xapi.change('VIF.create', [{ ...emptyVif, device: String(index), network, VM: ref }], signal);
}

const emptyVif = {
  MAC: '',
  MTU: '1500',
  other_config: {},
  qos_algorithm_type: '',
  qos_algorithm_params: {},
  locking_mode: 'network_default',
  ipv4_allowed: [],
  ipv6_allowed: [],
};

const vbdSchema = z.object({ VDI: z.string(), type: z.string(), other_config: recordMapSchema });

/** Machine and the disks that came with it; volumes of ours are let go, not destroyed. */
async function dismantle(xapi: Xapi, ref: string, { signal }: Operation): Promise<void> {
  const machine = await findRecord(xapi, 'VM', { ref, schema: machineSchema, signal });
  if (!machine) return;
  if (machine.power_state !== 'Halted') await xapi.change('VM.hard_shutdown', [ref], signal);
  const disks: string[] = [];
  for (const vbd of machine.VBDs) {
    const record = await findRecord(xapi, 'VBD', { ref: vbd, schema: vbdSchema, signal });
    const isOwnDisk = record?.type === 'Disk' && record.VDI !== nullRef;
    if (isOwnDisk && record.other_config['medusa-volume'] === undefined) disks.push(record.VDI);
  }
  // Disks first: without the machine nothing would tell whose they are.
  for (const disk of disks) await unlessGone(xapi.change('VDI.destroy', [disk], signal));
  await unlessGone(xapi.change('VM.destroy', [ref], signal));
}

function callOf(
  action: MachineAction,
  ref: string,
  state: ItemState,
): { method: string; parameters: (string | boolean)[] } | undefined {
  const isOn = state === 'running' || state === 'starting';
  if (action === 'start' || action === 'resume') {
    if (isOn) return undefined;
    return { method: state === 'suspended' ? 'VM.resume' : 'VM.start', parameters: [ref, false, false] };
  }
  if (action === 'restart') return { method: 'VM.hard_reboot', parameters: [ref] };
  if (action === 'stop')
    return state === 'stopped' ? undefined : { method: 'VM.hard_shutdown', parameters: [ref] };
  return state === 'suspended' ? undefined : { method: 'VM.suspend', parameters: [ref] };
}

function addressesOf(metrics: z.infer<typeof metricsSchema> | undefined): string[] {
  // Keys are `0/ip`, `0/ipv6/0`: interface, family, number.
  const found = Object.entries(metrics?.networks ?? {}).flatMap(([key, address]) =>
    /\/ip(v[46])?(\/|$)/.test(key) ? [address] : [],
  );
  return [...new Set(found)];
}

function toMachine(
  ref: string,
  { name_label: name, power_state: word, is_a_template: isTemplate, other_config: marks }: XenMachine,
  { tag, addresses }: { tag: OwnerTag; addresses: string[] },
): Machine {
  const common = { ref, name, tag, createdAt: null, addresses, zone: null };
  const request = { image: marks['medusa-image'] ?? null, size: marks['medusa-size'] ?? null };
  // Whoever was making it has ended: it will never be more than this.
  if (isTemplate) return { ...common, ...request, state: 'error', detail: 'Its creation was interrupted' };
  return { ...common, ...request, state: states[word] ?? 'unknown', detail: word };
}
