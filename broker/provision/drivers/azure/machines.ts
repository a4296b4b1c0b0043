import { z } from 'zod';
import {
  ProviderError,
  type Item,
  type ItemState,
  type Machine,
  type MachineAction,
  type MachinePort,
  type Operation,
  type OwnerTag,
} from '../../port/index.ts';
import { virtualMachineOf, type Wanted } from './machine-body.ts';
import { machineOfNic, nicCollection, nicNameOf, type Nic } from './nics.ts';
import {
  apiVersions,
  createOnce,
  isOwnedBy,
  itemOf,
  lifeOf,
  listAll,
  openCollection,
  resourceSchema,
  tagOf,
  tagsOf,
  type Collection,
  type Context,
} from './resources.ts';
import { memberGroupsOf } from './security-groups.ts';

const statusSchema = z.object({ code: z.string(), message: z.string().nullish() });
const instanceViewSchema = z.object({ statuses: z.array(statusSchema).nullish() });

const machineSchema = resourceSchema.extend({
  zones: z.array(z.string()).nullish(),
  properties: z.object({
    provisioningState: z.string().nullish(),
    timeCreated: z.coerce.date().nullish(),
    hardwareProfile: z.object({ vmSize: z.string().nullish() }).nullish(),
    storageProfile: z
      .object({
        imageReference: z
          .object({
            id: z.string().nullish(),
            publisher: z.string().nullish(),
            offer: z.string().nullish(),
            sku: z.string().nullish(),
            version: z.string().nullish(),
          })
          .nullish(),
      })
      .nullish(),
    instanceView: instanceViewSchema.nullish(),
  }),
});
type VirtualMachine = z.infer<typeof machineSchema>;
type Statuses = readonly z.infer<typeof statusSchema>[];

export const machineCollection = (context: Context): Collection<VirtualMachine> =>
  openCollection(
    context,
    {
      type: 'Microsoft.Compute/virtualMachines',
      version: apiVersions.compute,
      query: '&$expand=instanceView',
    },
    machineSchema,
  );

const diskName = (machineName: string): string => `${machineName}-os`;
const diskCollection = (context: Context): Collection<z.infer<typeof resourceSchema>> =>
  openCollection(context, { type: 'Microsoft.Compute/disks', version: apiVersions.disks }, resourceSchema);

const cleaningMs = 60_000;

/** No size of machine has more. */
const maxNics = 8;

/**
 * A machine is a virtual machine, its network interfaces and its disk, which go with it (`deleteOption`). Interfaces are made before it:
 * those of a machine that never came are listed as a machine in error, and taken away as one.
 */
export function machinePort(context: Context): MachinePort {
  const { arm, settings } = context;
  const machines = machineCollection(context);
  const nics = nicCollection(context);
  const actions: MachineAction[] = ['start', 'stop', 'restart'];
  if (settings.hibernation) actions.push('suspend', 'resume');
  const readMachine = async (ref: string, signal: AbortSignal): Promise<Machine | undefined> => {
    const [machine, nic] = await Promise.all([machines.get(ref, signal), nics.get(nicNameOf(ref), signal)]);
    if (machine) return machineOf(machine, nic ? [nic] : [], machine.properties.instanceView?.statuses ?? []);
    return nic && remainsOf(nic);
  };
  return {
    actions,
    async create(request, tag, name, operation) {
      const { signal } = operation;
      signal.throwIfAborted();
      const made = await createOnce(machines, { tag, name, operation }, async () =>
        createWithNics(context, { request, tag, name }, operation),
      );
      const machine = machineOf(made, [], []);
      if (!machine) throw new ProviderError('unknown-outcome', `${name} came back without its tags`);
      return machine;
    },
    get: readMachine,
    async list(owner, signal) {
      const [all, views, interfaces] = await Promise.all([
        machines.list(signal),
        readViews(context, signal),
        nics.list(signal),
      ]);
      const ours = interfaces.filter(isOwnedBy(owner));
      const names = new Set(all.map(({ name }) => name.toLowerCase()));
      const remains = ours.filter(
        ({ name }) => name.endsWith('-nic0') && !names.has(machineOfNic(name) ?? ''),
      );
      return [
        ...all.filter(isOwnedBy(owner)).flatMap((machine) => {
          const its = ours.filter(({ name }) => machineOfNic(name) === machine.name.toLowerCase());
          return machineOf(machine, its, views.get(machine.id.toLowerCase()) ?? []) ?? [];
        }),
        ...remains.flatMap((nic) => remainsOf(nic) ?? []),
      ];
    },
    async destroy(ref, { signal }) {
      const [machine, nic] = await Promise.all([machines.get(ref, signal), nics.get(nicNameOf(ref), signal)]);
      if (machine && tagOf(machine)) {
        // Not as after a power button pressed gently: what runs in it was drained before.
        const url = machines.url(ref, '', '&forceDeletion=true');
        await arm.call({ method: 'DELETE', url }, signal);
      } else if (!machine && nic && tagOf(nic)) await removeRemains(context, ref, signal);
    },
    async act(ref, action, { signal }) {
      if (!actions.includes(action)) throw new ProviderError('invalid', `Cannot ${action} here`);
      // Stopped, it would still be paid for; deallocated it is not.
      const words = {
        start: 'start',
        resume: 'start',
        stop: 'deallocate',
        suspend: 'deallocate',
        restart: 'restart',
      };
      const query = action === 'suspend' ? '&hibernate=true' : '';
      await arm.call({ method: 'POST', url: machines.url(ref, `/${words[action]}`, query) }, signal);
    },
    async console(ref, signal) {
      const answer = await machines.post(ref, 'retrieveBootDiagnosticsData', { signal });
      const { serialConsoleLogBlobUri: url } = z
        .object({ serialConsoleLogBlobUri: z.url() })
        .parse(JSON.parse(answer.text));
      return { kind: 'url', url };
    },
  };
}

async function createWithNics(
  context: Context,
  wanted: Wanted,
  { signal }: Operation,
): Promise<VirtualMachine> {
  const { settings } = context;
  const body = await virtualMachineOf(context, wanted, signal);
  try {
    const subnets = wanted.request.networkRefs.length > 0 ? wanted.request.networkRefs : [settings.subnet];
    for (const [index, subnet] of subnets.entries())
      await createNic(context, { ...wanted, subnet, index }, signal);
    const { thing } = await machineCollection(context).put(wanted.name, body, signal);
    return thing;
  } catch (error) {
    const cleaning = AbortSignal.timeout(cleaningMs);
    // What was sent may be there after all: then its interfaces are in use, and stay.
    const there = await machineCollection(context).get(wanted.name, cleaning);
    if (!there) await removeRemains(context, wanted.name, cleaning);
    throw error;
  }
}

async function createNic(
  context: Context,
  { request, tag, name, subnet, index }: Wanted & { subnet: string; index: number },
  signal: AbortSignal,
): Promise<void> {
  const { arm, settings } = context;
  const { group, applicationGroup } = memberGroupsOf(context, request.securityGroupRefs);
  const { answer } = await nicCollection(context).put(
    nicNameOf(name, index),
    {
      location: settings.location,
      tags: tagsOf(tag),
      properties: {
        ...(group === undefined ? {} : { networkSecurityGroup: { id: group } }),
        ipConfigurations: [
          {
            name: 'primary',
            properties: {
              primary: true,
              privateIPAllocationMethod: 'Dynamic',
              subnet: { id: subnetIdOf(context, subnet) },
              ...(applicationGroup === undefined
                ? {}
                : { applicationSecurityGroups: [{ id: applicationGroup }] }),
            },
          },
        ],
      },
    },
    signal,
  );
  await arm.finish(answer, signal);
}

/** A network of ours has one subnet of its own; one that was there before is named by the id of its subnet. */
function subnetIdOf({ settings }: Context, ref: string): string {
  if (ref.startsWith('/')) return ref;
  const { subscription, resourceGroup } = settings;
  return `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/Microsoft.Network/virtualNetworks/${ref}/subnets/machines`;
}

/** Interfaces are named after their machine: so those are found, too, that no list shows yet. */
async function removeRemains(context: Context, name: string, signal: AbortSignal): Promise<void> {
  const nics = nicCollection(context);
  // The first one last: as long as it is there, they are listed.
  for (let index = maxNics - 1; index >= 0; index -= 1) {
    const answer = await nics.delete(nicNameOf(name, index), signal);
    if (answer) await context.arm.finish(answer, signal);
  }
  await diskCollection(context).delete(diskName(name), signal);
}

/** What each machine of the subscription does at the moment: the list of machines tells only what was ordered. */
async function readViews(context: Context, signal: AbortSignal): Promise<Map<string, Statuses>> {
  const viewSchema = z.object({
    id: z.string(),
    properties: z.object({ instanceView: instanceViewSchema.nullish() }),
  });
  const url = `/subscriptions/${context.settings.subscription}/providers/Microsoft.Compute/virtualMachines?api-version=${apiVersions.compute}&statusOnly=true`;
  const views = await listAll(context.arm, { url, schema: viewSchema }, signal);
  return new Map(
    views.map(({ id, properties }) => [id.toLowerCase(), properties.instanceView?.statuses ?? []]),
  );
}

function machineOf(machine: VirtualMachine, nics: readonly Nic[], statuses: Statuses): Machine | undefined {
  const { properties, zones } = machine;
  const created = properties.timeCreated ?? null;
  const item = itemOf(machine, {
    ...powerOf(properties.provisioningState ?? '', statuses),
    createdAt: created,
  });
  return (
    item && {
      ...item,
      addresses: nics.flatMap(({ properties: { ipConfigurations } }) =>
        ipConfigurations.flatMap((one) => one.properties.privateIPAddress ?? []),
      ),
      image: imageOf(properties),
      size: properties.hardwareProfile?.vmSize ?? null,
      zone: zones?.[0] ?? null,
    }
  );
}

function imageOf({ storageProfile }: VirtualMachine['properties']): string | null {
  const image = storageProfile?.imageReference;
  if (!image) return null;
  if (typeof image.id === 'string') return image.id;
  const parts = [image.publisher, image.offer, image.sku, image.version];
  return parts.every((part) => typeof part === 'string') ? parts.join(':') : null;
}

/** An interface without its machine: told as a broken machine, so that it is taken away as one. */
function remainsOf(nic: Nic): Machine | undefined {
  const name = machineOfNic(nic.name);
  const tag: OwnerTag | undefined = tagOf(nic);
  if (name === undefined || tag === undefined) return undefined;
  const life = { state: 'error', detail: 'only its network interface is there' } as const;
  return {
    ref: name,
    name,
    tag,
    ...life,
    createdAt: null,
    addresses: [],
    image: null,
    size: null,
    zone: null,
  };
}

/** "States and billing status of Azure Virtual Machines". */
const powerStates: Readonly<Record<string, ItemState>> = {
  'PowerState/starting': 'starting',
  'PowerState/running': 'running',
  'PowerState/stopping': 'stopping',
  'PowerState/stopped': 'stopped',
  'PowerState/deallocating': 'stopping',
  'PowerState/deallocated': 'stopped',
};

function powerOf(provisioningState: string, statuses: Statuses): Pick<Item, 'state' | 'detail'> {
  const has = (code: string): boolean => statuses.some((status) => status.code === code);
  const power = statuses.find(({ code }) => code in powerStates)?.code ?? '';
  if (['Failed', 'Deleting'].includes(provisioningState)) return endOf(provisioningState, statuses);
  const state = powerStates[power];
  if (state === undefined) {
    // It has not begun: what is ready at other things is only the order here.
    const { state: ordered, detail } = lifeOf(provisioningState);
    return { state: ordered === 'error' || ordered === 'unknown' ? ordered : 'starting', detail };
  }
  const isHibernated = state === 'stopped' && has('HibernationState/Hibernated');
  return { state: isHibernated ? 'suspended' : state, detail: `${provisioningState}, ${power}` };
}

function endOf(provisioningState: string, statuses: Statuses): Pick<Item, 'state' | 'detail'> {
  if (provisioningState === 'Deleting') return { state: 'stopping', detail: provisioningState };
  const failed = statuses.find(({ code }) => code.startsWith('ProvisioningState/failed'));
  return { state: 'error', detail: failed ? `${failed.code}: ${failed.message ?? ''}` : provisioningState };
}
