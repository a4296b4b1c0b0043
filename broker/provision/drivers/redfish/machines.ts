import type { ProviderCatalog } from '@medusa/protocol';
import { z } from 'zod';
import {
  isProviderFault,
  ProviderError,
  tagOf,
  type ItemState,
  type Machine,
  type MachineAction,
  type MachinePort,
  type OwnerTag,
} from '../../port/index.ts';
import type { Redfish } from './client.ts';
import type { Settings } from './settings.ts';

const linkSchema = z.object({ '@odata.id': z.string().startsWith('/redfish/') });
const nullable = z.string().nullable().default(null);

/** DSP8010 ComputerSystem, as far as used. */
const systemSchema = z.object({
  '@odata.id': z.string(),
  Model: nullable,
  AssetTag: z
    .string()
    .nullable()
    .default('')
    .transform((tag) => tag ?? ''),
  PowerState: nullable,
  Status: z.object({ State: nullable, Health: nullable }).default({ State: null, Health: null }),
  ProcessorSummary: z
    .object({
      Count: z.number().nullable().default(0),
      LogicalProcessorCount: z.number().nullable().optional(),
    })
    .optional(),
  MemorySummary: z.object({ TotalSystemMemoryGiB: z.number().nullable().default(0) }).optional(),
  Storage: linkSchema.optional(),
  VirtualMedia: linkSchema.optional(),
  Links: z.object({ ManagedBy: z.array(linkSchema).default([]) }).default({ ManagedBy: [] }),
});
export type System = z.infer<typeof systemSchema>;

/** After the machine's name while its drives are wiped. */
const erasing = '/erasing';

const resets = {
  start: 'On',
  stop: 'ForceOff',
  restart: 'ForceRestart',
} as const satisfies Partial<Record<MachineAction, string>>;

export async function readSystems(redfish: Redfish, signal: AbortSignal): Promise<System[]> {
  const paths = await redfish.members('/redfish/v1/Systems', signal);
  const systems: System[] = [];
  for (const path of paths) {
    const system = await redfish.find(path, systemSchema, signal);
    if (system) systems.push(system);
  }
  return systems;
}

/** Systems of one model with the same processors and memory are one size. */
export function sizeOf({
  Model: model,
  ProcessorSummary: processors,
  MemorySummary: memory,
}: System): ProviderCatalog['sizes'][number] {
  const cpus = processors?.LogicalProcessorCount ?? processors?.Count ?? 0;
  const gib = memory?.TotalSystemMemoryGiB ?? 0;
  const name = `${model ?? 'system'}, ${cpus} CPUs, ${gib} GiB`;
  const id = name.toLowerCase().replaceAll(/[^a-z0-9.]+/g, '-');
  return {
    id,
    name,
    cpus,
    memoryMiB: gib * 1_024,
    diskGiB: null,
    gpu: null,
    encoder: null,
    architecture: null,
  };
}

export function createMachinePort(redfish: Redfish, settings: Settings): MachinePort {
  const find = async (ref: string, signal: AbortSignal): Promise<System | undefined> => {
    if (!ref.startsWith('/redfish/v1/Systems/'))
      throw new ProviderError('invalid', `${ref} is not a computer system`);
    return redfish.find(ref, systemSchema, signal);
  };
  const reset = async (ref: string, type: string, signal: AbortSignal): Promise<void> =>
    redfish.change('POST', `${ref}/Actions/ComputerSystem.Reset`, { body: { ResetType: type }, signal });

  return {
    actions: ['start', 'stop', 'restart'],

    async create(request, tag, name, { signal }) {
      if (request.networkRefs.length > 0 || request.securityGroupRefs.length > 0)
        throw new ProviderError('invalid', 'Redfish knows no networks: they are cabled');
      const image = settings.images.find(({ id }) => id === request.image);
      if (!image) throw new ProviderError('invalid', `There is no image ${request.image}`);
      const systems = await readSystems(redfish, signal);
      const held = systems.find(({ AssetTag: given }) => given === name);
      const system = held ?? (await claim(redfish, { systems, size: request.size, name }, signal));
      const path = system['@odata.id'];
      try {
        await boot(redfish, system, {
          from: settings.bootFrom,
          url: image.url?.replaceAll('{name}', name),
          signal,
        });
      } catch (error) {
        if (!isProviderFault(error, 'unknown-outcome'))
          await redfish.change('PATCH', path, { body: { AssetTag: '' }, signal });
        throw error;
      }
      const made = await find(path, signal);
      if (!made) throw new ProviderError('unknown-outcome', `${path} is not to be seen`);
      return toMachine(made, tag);
    },

    async get(ref, signal) {
      const system = await find(ref, signal);
      if (!system) return undefined;
      const { tag, isErasing } = ownerOf(system);
      if (!tag || (isErasing && !(await isBusy(redfish, system, signal)))) return undefined;
      return toMachine(system, tag);
    },

    async list(owner, signal) {
      const machines: Machine[] = [];
      for (const system of await readSystems(redfish, signal)) {
        const { tag, isErasing } = ownerOf(system);
        if (tag?.owner !== owner) continue;
        if (!isErasing || (await isBusy(redfish, system, signal))) machines.push(toMachine(system, tag));
      }
      return machines;
    },

    async act(ref, action, { signal }) {
      if (action === 'suspend' || action === 'resume')
        throw new ProviderError('invalid', `A computer system cannot ${action}`);
      const system = await find(ref, signal);
      if (!system || !ownerOf(system).tag) throw new ProviderError('not-found', `There is no machine ${ref}`);
      const isOn = system.PowerState === 'On' || system.PowerState === 'PoweringOn';
      if ((action === 'start' && isOn) || (action === 'stop' && !isOn)) return;
      await reset(ref, resets[action], signal);
    },

    async destroy(ref, { signal }) {
      const system = await find(ref, signal);
      const name = system?.AssetTag ?? '';
      if (!system || !tagOf('machine', name)) return;
      if (system.PowerState !== 'Off') await reset(ref, 'ForceOff', signal);
      const off = { Boot: { BootSourceOverrideEnabled: 'Disabled' } };
      await redfish.change('PATCH', ref, { body: off, signal });
      if (settings.eraseDrives)
        for (const { target } of await readDrives(redfish, system, signal))
          await redfish.change('POST', target, { body: {}, signal });
      // From here on it is nobody's machine; whoever takes it next waits until its drives are wiped.
      const body = { AssetTag: settings.eraseDrives ? `${name}${erasing}` : '' };
      await redfish.change('PATCH', ref, { body, signal });
    },
  };
}

/** Takes a free system by writing its asset tag; the entity tag makes sure that nobody else did in between. */
async function claim(
  redfish: Redfish,
  { systems, size, name }: { systems: readonly System[]; size: string; name: string },
  signal: AbortSignal,
): Promise<System> {
  const fitting = systems.filter((system) => sizeOf(system).id === size);
  if (fitting.length === 0) throw new ProviderError('invalid', `There is no size ${size}`);
  for (const candidate of fitting) {
    if (!(await isFree(redfish, candidate, signal))) continue;
    const path = candidate['@odata.id'];
    const { body, etag } = await redfish.get(path, systemSchema, signal);
    if (body.AssetTag !== candidate.AssetTag) continue;
    try {
      await redfish.change('PATCH', path, { body: { AssetTag: name }, signal, etag });
      return body;
    } catch (error) {
      if (!isProviderFault(error, 'conflict')) throw error;
    }
  }
  throw new ProviderError('capacity', `No free computer system of size ${size}`);
}

async function isFree(redfish: Redfish, system: System, signal: AbortSignal): Promise<boolean> {
  const isHealthy = system.Status.Health === null || system.Status.Health === 'OK';
  if (!isHealthy) return false;
  if (system.AssetTag === '') return true;
  return ownerOf(system).isErasing && !(await isBusy(redfish, system, signal));
}

function ownerOf({ AssetTag: text }: System): { tag: OwnerTag | undefined; isErasing: boolean } {
  const isErasing = text.endsWith(erasing);
  return { tag: tagOf('machine', isErasing ? text.slice(0, -erasing.length) : text), isErasing };
}

async function boot(
  redfish: Redfish,
  system: System,
  { from, url, signal }: { from: Settings['bootFrom']; url: string | undefined; signal: AbortSignal },
): Promise<void> {
  const path = system['@odata.id'];
  if (from === 'Cd' && url !== undefined) await insert(redfish, system, { url, signal });
  const body = { Boot: { BootSourceOverrideEnabled: 'Continuous', BootSourceOverrideTarget: from } };
  await redfish.change('PATCH', path, { body, signal });
  const reset = { body: { ResetType: 'On' }, signal };
  if (system.PowerState !== 'On') await redfish.change('POST', `${path}/Actions/ComputerSystem.Reset`, reset);
}

async function insert(
  redfish: Redfish,
  system: System,
  { url, signal }: { url: string; signal: AbortSignal },
): Promise<void> {
  const media = z.object({ MediaTypes: z.array(z.string()).default([]) });
  const [manager] = system.Links.ManagedBy;
  const collection =
    system.VirtualMedia?.['@odata.id'] ?? (manager && `${manager['@odata.id']}/VirtualMedia`);
  for (const path of collection === undefined ? [] : await redfish.members(collection, signal)) {
    const slot = await redfish.find(path, media, signal);
    if (!slot?.MediaTypes.some((type) => type === 'CD' || type === 'DVD')) continue;
    const body = { Image: url, Inserted: true, WriteProtected: true };
    await redfish.change('POST', `${path}/Actions/VirtualMedia.InsertMedia`, { body, signal });
    return;
  }
  throw new ProviderError('invalid', `${system['@odata.id']} takes no virtual CD`);
}

/** Where each drive of the system is wiped. */
async function readDrives(
  redfish: Redfish,
  system: System,
  signal: AbortSignal,
): Promise<{ target: string }[]> {
  const storageSchema = z.object({ Drives: z.array(linkSchema).default([]) });
  const driveSchema = z.object({
    Actions: z
      .object({ '#Drive.SecureErase': z.object({ target: z.string().startsWith('/redfish/') }).optional() })
      .default({}),
  });
  const found: { target: string }[] = [];
  const collection = system.Storage?.['@odata.id'];
  for (const path of collection === undefined ? [] : await redfish.members(collection, signal))
    for (const { '@odata.id': drive } of (await redfish.get(path, storageSchema, signal)).body.Drives) {
      const { body } = await redfish.get(drive, driveSchema, signal);
      const target = body.Actions['#Drive.SecureErase']?.target;
      if (target === undefined)
        throw new ProviderError('invalid', `${drive} cannot be wiped: release it by hand`);
      found.push({ target });
    }
  return found;
}

/** Whether a task still wipes one of its drives. */
async function isBusy(redfish: Redfish, system: System, signal: AbortSignal): Promise<boolean> {
  const taskSchema = z.object({
    TaskState: z.string(),
    Payload: z.object({ TargetUri: z.string() }).optional(),
  });
  const targets = new Set((await readDrives(redfish, system, signal)).map(({ target }) => target));
  for (const path of await redfish.members('/redfish/v1/TaskService/Tasks', signal)) {
    const task = await redfish.find(path, taskSchema, signal);
    const isOver = task === undefined || ['Completed', 'Cancelled', 'Killed'].includes(task.TaskState);
    if (!isOver && targets.has(task.Payload?.TargetUri ?? '')) return true;
  }
  return false;
}

const powers: Readonly<Record<string, ItemState>> = {
  On: 'running',
  Off: 'stopped',
  PoweringOn: 'starting',
  PoweringOff: 'stopping',
};

function toMachine(system: System, tag: OwnerTag): Machine {
  const { PowerState: power, Status: status, AssetTag: name } = system;
  const { isErasing } = ownerOf(system);
  const isCritical = status.Health === 'Critical';
  const state = isErasing ? 'stopping' : isCritical ? 'error' : (powers[power ?? ''] ?? 'unknown');
  const words = [power ?? 'unknown', status.State, status.Health].filter((word) => word !== null);
  return {
    ref: system['@odata.id'],
    name: isErasing ? name.slice(0, -erasing.length) : name,
    tag,
    state,
    detail: isErasing ? 'Its drives are wiped' : words.join(', '),
    createdAt: null,
    ...{ addresses: [], image: null, size: sizeOf(system).id, zone: null },
  };
}
