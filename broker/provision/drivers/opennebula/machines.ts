import { z } from 'zod';
import {
  findSize,
  ProviderError,
  type ItemState,
  type Machine,
  type MachineAction,
  type MachinePort,
  type MachineRequest,
  type OwnerTag,
  type SizeSetting,
} from '../../port/index.ts';
import {
  attributesSchema,
  epochSchema,
  readOne,
  readPool,
  readTag,
  toId,
  toTagAttributes,
  toTemplate,
  unlessUnknown,
  type OneClient,
} from './client.ts';

const actions = {
  start: 'resume',
  stop: 'poweroff-hard',
  restart: 'reboot-hard',
  suspend: 'suspend',
  resume: 'resume',
} as const satisfies Record<MachineAction, string>;

const machineSchema = z.object({
  ID: z.string(),
  NAME: z.string(),
  STATE: z.coerce.number().int(),
  LCM_STATE: z.coerce.number().int(),
  STIME: epochSchema,
  TEMPLATE: z.looseObject({
    TEMPLATE_ID: z.string().optional(),
    NIC: z.array(z.looseObject({ IP: z.string().optional(), IP6_GLOBAL: z.string().optional() })).default([]),
    DISK: z
      .array(
        z.looseObject({
          DISK_ID: z.string(),
          IMAGE_ID: z.string().optional(),
          TARGET: z.string().optional(),
        }),
      )
      .default([]),
  }),
  USER_TEMPLATE: attributesSchema,
});
export type OneMachine = z.infer<typeof machineSchema>;

/** States of a virtual machine (include/VirtualMachine.h), as far as they are not ACTIVE. */
const vmStates: Readonly<Record<number, readonly [ItemState, string]>> = {
  0: ['pending', 'INIT'],
  1: ['pending', 'PENDING'],
  2: ['pending', 'HOLD'],
  4: ['stopped', 'STOPPED'],
  5: ['suspended', 'SUSPENDED'],
  6: ['terminated', 'DONE'],
  8: ['stopped', 'POWEROFF'],
  9: ['stopped', 'UNDEPLOYED'],
  10: ['pending', 'CLONING'],
  11: ['error', 'CLONING_FAILURE'],
};
/** Life-cycle states while ACTIVE. */
const lcmFailures = new Set([36, 37, 38, 39, 40, 41, 42, 44, 46, 47, 48, 49, 50, 61]);
const lcmEnding = new Set([10, 11, 12, 18, 23, 29, 30]);
const lcmRunning = new Set([3, 4, 17, 24, 25, 26, 27, 28]);

export function createMachinePort(client: OneClient, sizes: readonly SizeSetting[]): MachinePort {
  const find = async (ref: string, signal: AbortSignal): Promise<OneMachine | undefined> =>
    unlessUnknown(readMachine(client, ref, signal));

  return {
    actions: ['start', 'stop', 'restart', 'suspend', 'resume'],

    async create(request, tag, name, { signal }) {
      const extra = toTemplate(describe(request, tag, sizes));
      const parameters = [toId(request.image), name, false, extra, false];
      const id = String(await client.change('one.template.instantiate', parameters, signal));
      const made = await find(id, signal);
      return made ? toMachine(made, tag) : fresh(id, { name, tag, request });
    },

    async get(ref, signal) {
      const machine = await find(ref, signal);
      const tag = machine && readTag(machine.USER_TEMPLATE);
      return machine && tag ? toMachine(machine, tag) : undefined;
    },

    async list(owner, signal) {
      return (await listMachines(client, signal)).flatMap((machine) => {
        const tag = readTag(machine.USER_TEMPLATE);
        return tag?.owner === owner ? [toMachine(machine, tag)] : [];
      });
    },

    async act(ref, action, { signal }) {
      const machine = await find(ref, signal);
      if (!machine) throw new ProviderError('not-found', `There is no machine ${ref}`);
      if (isThere(action, stateOf(machine)[0])) return;
      await client.change('one.vm.action', [actions[action], toId(ref)], signal);
    },

    async destroy(ref, { signal }) {
      const machine = await find(ref, signal);
      if (!machine || machine.STATE === 6) return;
      await unlessUnknown(client.change('one.vm.action', ['terminate-hard', toId(ref)], signal));
    },
  };
}

function isThere(action: MachineAction, state: ItemState): boolean {
  if (action === 'start' || action === 'resume') return state === 'running' || state === 'starting';
  if (action === 'stop') return state === 'stopped' || state === 'stopping';
  return action === 'suspend' && state === 'suspended';
}

/** What is added to the template: size, place, networks, contextualisation, and whose it is. */
function describe(
  { size: sizeId, zone, networkRefs, securityGroupRefs, guest }: MachineRequest,
  tag: OwnerTag,
  sizes: readonly SizeSetting[],
): Record<string, unknown> {
  const size = findSize(sizes, sizeId);
  const groups = securityGroupRefs.length === 0 ? {} : { SECURITY_GROUPS: securityGroupRefs.join(',') };
  const pci = size.gpu && Array.from({ length: size.gpu.count }, () => ({ CLASS: '0302' }));
  return {
    ...toTagAttributes(tag),
    MEDUSA_SIZE: size.id,
    CPU: size.cpus,
    VCPU: Math.ceil(size.cpus),
    MEMORY: size.memoryMiB,
    NIC: networkRefs.map((ref) => ({ NETWORK_ID: toId(ref), ...groups })),
    ...(pci ? { PCI: pci } : {}),
    ...(zone === null ? {} : { SCHED_REQUIREMENTS: `CLUSTER_ID = "${toId(zone)}"` }),
    CONTEXT: {
      NETWORK: 'YES',
      USER_DATA: Buffer.from(guest.userData).toString('base64'),
      USERDATA_ENCODING: 'base64',
    },
  };
}

/** Before the pool shows it: accepted, nothing more is known. */
function fresh(
  ref: string,
  { name, tag, request }: { name: string; tag: OwnerTag; request: MachineRequest },
): Machine {
  const { image, size, zone } = request;
  const state = { state: 'pending', detail: 'accepted' } as const;
  return { ref, name, tag, ...state, createdAt: null, addresses: [], image, size, zone };
}

async function readMachine(client: OneClient, ref: string, signal: AbortSignal): Promise<OneMachine> {
  return readOne(await client.ask('one.vm.info', [toId(ref), false], signal), 'VM', machineSchema);
}

/** All that this user may see and that are not done. Since 5.8 only the extended call tells the user template. */
export async function listMachines(client: OneClient, signal: AbortSignal): Promise<OneMachine[]> {
  return readPool(await client.ask('one.vmpool.infoextended', [-2, -1, -1, -1], signal), 'VM', machineSchema);
}

function stateOf({ STATE, LCM_STATE }: OneMachine): readonly [ItemState, string] {
  if (STATE !== 3) return vmStates[STATE] ?? ['unknown', `STATE ${STATE}`];
  const detail = `ACTIVE/${LCM_STATE}`;
  if (lcmFailures.has(LCM_STATE)) return ['error', detail];
  if (lcmEnding.has(LCM_STATE)) return ['stopping', detail];
  if (LCM_STATE === 16) return ['unknown', detail];
  return [lcmRunning.has(LCM_STATE) ? 'running' : 'starting', detail];
}

function toMachine(machine: OneMachine, tag: OwnerTag): Machine {
  const [state, word] = stateOf(machine);
  const { ERROR: error, SCHED_MESSAGE: waiting, MEDUSA_SIZE: size } = machine.USER_TEMPLATE;
  const { TEMPLATE_ID: image, NIC: nics } = machine.TEMPLATE;
  // What the scheduler says, e.g. that no host has the room, is what an administrator needs to read.
  const reason = [error, state === 'pending' ? waiting : ''].find(
    (text) => typeof text === 'string' && text !== '',
  );
  return {
    ref: machine.ID,
    name: machine.NAME,
    tag,
    state,
    detail: typeof reason === 'string' ? `${word}: ${reason}` : word,
    createdAt: machine.STIME,
    addresses: nics.flatMap(({ IP: v4, IP6_GLOBAL: v6 }) =>
      [v4, v6].filter((address) => address !== undefined),
    ),
    image: image ?? null,
    size: typeof size === 'string' ? size : null,
    zone: null,
  };
}
