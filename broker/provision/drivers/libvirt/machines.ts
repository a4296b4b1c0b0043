import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { createExclusive } from '@medusa/kernel';
import {
  isProviderFault,
  isSameTag,
  ProviderError,
  type ItemState,
  type Machine,
  type MachineAction,
  type MachinePort,
  type MachineRequest,
  type Operation,
  type OwnerTag,
} from '../../port/index.ts';
import { readXml } from '../xml/document.ts';
import { boards, consoleVolume, domainXml, rootfsOf, rootVolume, seedVolume } from './domain.ts';
import { copyRootfs, removeRootfs, withSeed } from './guest.ts';
import { isContainers, type LibvirtImage, type LibvirtSettings } from './settings.ts';
import type { Storage } from './storage.ts';
import { found, ignoring, inputFile, linesOf, type Virsh } from './virsh.ts';
import { parsed, readDomain } from './xml.ts';

/** libvirt.org/html/libvirt-libvirt-domain.html#virDomainState, in the words of virsh. */
const states: Readonly<Record<string, ItemState>> = {
  running: 'running',
  idle: 'running',
  'no state': 'unknown',
  paused: 'suspended',
  pmsuspended: 'suspended',
  'in shutdown': 'stopping',
  'shut off': 'stopped',
  crashed: 'error',
};

const leadsTo: Readonly<Record<MachineAction, ItemState>> = {
  start: 'running',
  stop: 'stopped',
  restart: 'running',
  suspend: 'suspended',
  resume: 'running',
};

const consoleBytes = 64 * 1024;

type Parts = { readonly virsh: Virsh; readonly storage: Storage; readonly dataDir: string };

/** Domains. `ref` is the name, which libvirt lets exist once. */
export function libvirtMachines({ virsh, storage, dataDir }: Parts, settings: LibvirtSettings): MachinePort {
  const exclusive = createExclusive();
  const change = async (args: readonly string[], { signal }: Operation, input?: string): Promise<string> =>
    virsh(args, { isChange: true, signal, ...(input === undefined ? {} : { input }) });

  async function get(ref: string, signal: AbortSignal): Promise<Machine | undefined> {
    const text = await found(virsh(['dumpxml', ref], { signal }));
    const domain = text === undefined ? undefined : readDomain(text);
    if (!domain) return undefined;
    const printed = await found(virsh(['domstate', ref, '--reason'], { signal }));
    if (printed === undefined) return undefined;
    const [detail = ''] = linesOf(printed);
    const state = stateOf(detail);
    return {
      ref,
      name: domain.name,
      tag: domain.tag,
      state,
      detail,
      createdAt: null,
      addresses: state === 'running' ? await addressesOf(ref, signal) : [],
      image: domain.image,
      size: domain.size,
      zone: null,
    };
  }

  async function existing(ref: string, signal: AbortSignal): Promise<Machine> {
    const machine = await get(ref, signal);
    if (!machine) throw new ProviderError('not-found', `libvirt has no domain ${ref}`);
    return machine;
  }

  /** Those that libvirt's own DHCP gave out; nothing where the network is another's. */
  async function addressesOf(ref: string, signal: AbortSignal): Promise<readonly string[]> {
    const printed = await virsh(['domifaddr', ref, '--source', 'lease'], { signal }).catch(
      (error: unknown) => {
        if (isProviderFault(error, 'auth')) throw error;
        return '';
      },
    );
    return linesOf(printed).flatMap((line) => /\s(\S+)\/\d+$/.exec(line)?.[1] ?? []);
  }

  async function imageOf(id: string, signal: AbortSignal): Promise<LibvirtImage> {
    const image =
      settings.images.find((candidate) => candidate.id === id) ?? (await storage.imageOf(id, signal));
    if (!image) throw new ProviderError('invalid', `There is no image ${id}`);
    await assertRuns(virsh, { image, settings }, signal);
    return image;
  }

  /** What the domain refers to. Made after it: a crash in between leaves nothing that is not marked. */
  async function prepare(
    { name, image, request }: { name: string; image: LibvirtImage; request: MachineRequest },
    operation: Operation,
  ): Promise<void> {
    const { signal } = operation;
    if (image.kind === 'rootfs') await copyRootfs(image.directory, rootfsOf(settings, name), signal);
    if (image.kind === 'volume') await storage.layer(rootVolume(name), image, operation);
    if (settings.isoProgram && !isContainers(settings)) {
      const seed = { name, guest: request.guest, program: settings.isoProgram, dataDir };
      await withSeed(seed, signal, async (file) => storage.upload(seedVolume(name), file, operation));
    }
  }

  async function start(ref: string, operation: Operation): Promise<void> {
    await ignoring(['conflict'], change(['start', ref], operation));
  }

  /** The domain goes last: as long as something of it is there, it is listed. */
  async function remove(ref: string, operation: Operation): Promise<void> {
    await ignoring(['conflict', 'not-found'], change(['destroy', ref], operation));
    if (isContainers(settings)) await removeRootfs(rootfsOf(settings, ref));
    else
      for (const volume of [rootVolume(ref), seedVolume(ref), consoleVolume(ref)])
        await storage.remove(volume, operation);
    await ignoring(['not-found'], change(['undefine', ref], operation));
  }

  async function stop(ref: string, state: ItemState, operation: Operation): Promise<void> {
    if (state === 'running') {
      await ignoring(['conflict', 'transient', 'invalid'], change(['shutdown', ref], operation));
      const deadline = performance.now() + settings.stopSeconds * 1_000;
      while (performance.now() < deadline) {
        if ((await existing(ref, operation.signal)).state === 'stopped') return;
        await pause(250, undefined, { signal: operation.signal });
      }
    }
    // A guest that does not hear it is ended.
    await ignoring(['conflict'], change(['destroy', ref], operation));
  }

  async function create(
    request: MachineRequest,
    { tag, name }: { tag: OwnerTag; name: string },
    operation: Operation,
  ): Promise<Machine> {
    if (request.securityGroupRefs.length > 0)
      throw new ProviderError('invalid', 'libvirt has no security groups here');
    const image = await imageOf(request.image, operation.signal);
    const poolDir = isContainers(settings) ? '' : await storage.directory(operation.signal);
    const xml = domainXml({ request, image, tag, name, poolDir }, settings);
    const fate = { isNew: true };
    await change(['define', inputFile], operation, xml).catch((error: unknown) => {
      if (!isProviderFault(error, 'conflict')) throw error;
      fate.isNew = false;
    });
    const present = await existing(name, operation.signal);
    if (!isSameTag(present.tag, tag))
      throw new ProviderError('conflict', `The domain ${name} is of ${present.tag.resource}`);
    if (present.state !== 'stopped') return present;
    try {
      await prepare({ name, image, request }, operation);
      await change(['start', name], operation);
    } catch (error) {
      const now = await get(name, operation.signal);
      if (now?.state === 'running') return now;
      if (fate.isNew && !isProviderFault(error, 'unknown-outcome')) await remove(name, operation);
      throw error;
    }
    return existing(name, operation.signal);
  }

  return {
    actions: ['start', 'stop', 'restart', 'suspend', 'resume'],
    get,

    // Of two at once one would take away what the other is making.
    create: async (request, tag, name, operation) =>
      exclusive(name, async () => create(request, { tag, name }, operation)),

    async list(owner, signal) {
      const names = linesOf(await virsh(['list', '--all', '--name'], { signal })).filter((name) =>
        name.startsWith(`medusa-${owner}-`),
      );
      const machines = await Promise.all(names.map(async (name) => get(name, signal)));
      return machines.filter((machine) => machine !== undefined).filter(({ tag }) => tag.owner === owner);
    },

    async destroy(ref, operation) {
      if (await get(ref, operation.signal)) await remove(ref, operation);
    },

    async act(ref, action, operation) {
      const { state } = await existing(ref, operation.signal);
      if (action !== 'restart' && state === leadsTo[action]) return;
      if (action === 'stop') return stop(ref, state, operation);
      if (action === 'suspend') return ignoring([], change(['suspend', ref], operation));
      if (action === 'restart') await stop(ref, state, operation);
      else if (state === 'suspended') return ignoring([], change(['resume', ref], operation));
      await start(ref, operation);
    },

    ...(!isContainers(settings) && {
      async console(ref: string, signal: AbortSignal) {
        await existing(ref, signal);
        const text = await storage.tail(consoleVolume(ref), { bytes: consoleBytes, dataDir }, signal);
        return { kind: 'text' as const, text };
      },
    }),
  };
}

/** `shut off (crashed)`: the state, and why. */
function stateOf(detail: string): ItemState {
  const [, state = '', reason = ''] = /^([^(]*?)\s*(?:\((.*)\))?$/.exec(detail) ?? [];
  if (state === 'shut off' && (reason === 'crashed' || reason === 'failed')) return 'error';
  return states[state] ?? 'unknown';
}

const capabilitiesSchema = z.object({
  capabilities: z.object({
    guest: z.array(
      z.object({
        arch: z.object({ '@name': z.string(), domain: z.array(z.object({ '@type': z.string() })) }),
      }),
    ),
  }),
});

/** An image for another processor, or without the acceleration that was asked for, would only fail later. */
async function assertRuns(
  virsh: Virsh,
  { image, settings }: { image: LibvirtImage; settings: LibvirtSettings },
  signal: AbortSignal,
): Promise<void> {
  const document = readXml(await virsh(['capabilities'], { signal }), ['guest', 'domain']);
  const { guest: guests } = parsed(capabilitiesSchema, document).capabilities;
  const type = isContainers(settings) ? 'lxc' : settings.domainType;
  const { arch } = boards[image.architecture];
  const runs = guests.some(
    ({ arch: guest }) => guest['@name'] === arch && guest.domain.some((domain) => domain['@type'] === type),
  );
  if (!runs) throw new ProviderError('invalid', `This host runs no ${arch} by ${type}: ${image.id}`);
}
