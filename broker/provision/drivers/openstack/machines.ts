import { z } from 'zod';
import {
  isProviderFault,
  ProviderError,
  type ItemState,
  type Machine,
  type MachineAction,
  type MachinePort,
  type MachineRequest,
  type OwnerTag,
} from '../../port/index.ts';
import type { CapacityCheck } from './capacity.ts';
import type { Cloud, Service } from './cloud.ts';
import { findFlavor, findImage, findNetwork } from './names.ts';
import type { OpenstackSettings } from './settings.ts';
import { metadataOf, tagIn } from './tags.ts';

const serverSchema = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  'OS-EXT-STS:task_state': z.string().nullish(),
  'OS-EXT-AZ:availability_zone': z.string().nullish(),
  created: z.coerce.date(),
  updated: z.coerce.date(),
  metadata: z.record(z.string(), z.string()),
  addresses: z.record(z.string(), z.array(z.object({ addr: z.string() }))).default({}),
  /** An empty text when it was started from a volume. */
  image: z.union([z.object({ id: z.string() }), z.string()]).nullish(),
  fault: z.object({ message: z.string() }).optional(),
});
type Server = z.infer<typeof serverSchema>;
const oneServerSchema = z.object({ server: serverSchema });

/** Nova API guide, "Server concepts": status, and what is being done about it. */
const byStatus: Readonly<Record<string, ItemState>> = {
  BUILD: 'starting',
  REBUILD: 'starting',
  ACTIVE: 'running',
  PASSWORD: 'running',
  REBOOT: 'starting',
  HARD_REBOOT: 'starting',
  RESIZE: 'starting',
  VERIFY_RESIZE: 'running',
  REVERT_RESIZE: 'starting',
  MIGRATING: 'running',
  RESCUE: 'stopped',
  SHUTOFF: 'stopped',
  SHELVED: 'stopped',
  SHELVED_OFFLOADED: 'stopped',
  SUSPENDED: 'suspended',
  PAUSED: 'suspended',
  ERROR: 'error',
  DELETED: 'terminated',
  SOFT_DELETED: 'terminated',
};
const byTask: Readonly<Record<string, ItemState>> = {
  scheduling: 'pending',
  'powering-on': 'starting',
  resuming: 'starting',
  unpausing: 'starting',
  reboot_started: 'starting',
  'powering-off': 'stopping',
  suspending: 'stopping',
  pausing: 'stopping',
  deleting: 'stopping',
};

function stateOfServer(status: string, task: string | null): ItemState {
  if (status === 'ERROR' && task !== 'deleting') return 'error';
  return (task === null ? undefined : byTask[task]) ?? byStatus[status] ?? 'unknown';
}

/** Nova writes the state first and the reason after it: without the reason nobody knows whether it was for want of capacity. */
const faultDelayMs = 5_000;

const isUnexplained = ({ status, fault }: Server): boolean => status === 'ERROR' && !fault;

function toMachine(server: Server, now: Date): Machine | undefined {
  const tag = tagIn(server.metadata);
  if (!tag) return undefined;
  const task = server['OS-EXT-STS:task_state'] ?? null;
  const isFresh = Math.abs(now.getTime() - server.updated.getTime()) < faultDelayMs;
  return {
    ref: server.id,
    name: server.name,
    tag,
    state: isUnexplained(server) && isFresh ? 'starting' : stateOfServer(server.status, task),
    detail: [`${server.status}${task === null ? '' : `/${task}`}`, faultIn(server)]
      .filter(Boolean)
      .join(': '),
    createdAt: server.created,
    addresses: Object.values(server.addresses).flatMap((list) => list.map(({ addr }) => addr)),
    image: imageOf(server),
    // From 2.47 on a server tells its flavor's properties and not its id.
    size: server.metadata['medusa-size'] ?? null,
    zone: server['OS-EXT-AZ:availability_zone'] ?? null,
  };
}

const imageOf = ({ image }: Server): string | null =>
  typeof image === 'object' && image !== null ? image.id : null;

/** Nova's scheduler says in a sentence what it calls `NoValidHost`; so does the conductor, when every host it tried had failed. */
function faultIn({ fault }: Server): string {
  if (!fault) return '';
  const isCapacity = /No valid host|NoValidHost|Exhausted all hosts/i.test(fault.message);
  return isCapacity ? `NoValidHost: ${fault.message}` : fault.message;
}

/** Where an action leads to, what it is called, and where it is possible. */
const actions: Readonly<Record<MachineAction, { to: ItemState; bodyFrom: (status: string) => object }>> = {
  start: {
    to: 'running',
    bodyFrom: (status) => {
      if (status === 'SUSPENDED') return { resume: null };
      return status === 'PAUSED' ? { unpause: null } : { 'os-start': null };
    },
  },
  stop: { to: 'stopped', bodyFrom: () => ({ 'os-stop': null }) },
  // A machine that is off cannot be asked to restart itself.
  restart: {
    to: 'running',
    bodyFrom: (status) => ({ reboot: { type: status === 'ACTIVE' ? 'SOFT' : 'HARD' } }),
  },
  suspend: { to: 'suspended', bodyFrom: () => ({ suspend: null }) },
  resume: {
    to: 'running',
    bodyFrom: (status) => (status === 'PAUSED' ? { unpause: null } : { resume: null }),
  },
};

const consoleBytes = 64 * 1024;

/** Servers of Nova. */
export function novaMachines(
  cloud: Cloud,
  { settings, now, check }: { settings: OpenstackSettings; now: () => Date; check: CapacityCheck },
): MachinePort {
  const compute = cloud.service('compute');

  const read = async (ref: string, signal: AbortSignal): Promise<Server | undefined> =>
    (await compute.find(`/servers/${encodeURIComponent(ref)}`, oneServerSchema, signal))?.server;

  return {
    actions: ['start', 'stop', 'restart', 'suspend', 'resume'],

    async create(request, tag, name, { signal }) {
      const [flavor, image] = await Promise.all([
        findFlavor(cloud, request.size, signal),
        findImage(cloud, request.image, signal),
      ]);
      await check(flavor.extra_specs, signal);
      const server = {
        name,
        imageRef: image,
        flavorRef: flavor.id,
        metadata: { ...metadataOf(tag), 'medusa-size': flavor.id },
        ...(await placesOf(request, { cloud, compute, settings, signal })),
        ...(await optionsOf(request, { compute, settings, tag, signal })),
      };
      const made = await compute.ask(
        { method: 'POST', path: '/servers', body: { server }, signal },
        z.object({ server: z.object({ id: z.string() }) }),
      );
      return {
        ref: made.server.id,
        name,
        tag,
        state: 'pending',
        detail: 'BUILD/scheduling',
        createdAt: null,
        addresses: [],
        image,
        size: flavor.id,
        zone: request.zone,
      };
    },

    async get(ref, signal) {
      const server = await read(ref, signal);
      return server && toMachine(server, now());
    },

    async list(owner, signal) {
      const servers = await compute.list({ path: '/servers/detail', key: 'servers', signal }, serverSchema);
      const own = servers.filter(({ metadata }) => tagIn(metadata)?.owner === owner);
      // Lists leave out why a server found no host (it lies in a cell of its own, cell0): the server itself tells.
      const explained = await Promise.all(
        own.map(async (server) => (isUnexplained(server) ? await read(server.id, signal) : server)),
      );
      return explained.flatMap((server) => (server && toMachine(server, now())) ?? []);
    },

    destroy: async (ref, { signal }) => compute.remove(`/servers/${encodeURIComponent(ref)}`, signal),

    async act(ref, action, { signal }) {
      const server = await read(ref, signal);
      if (!server) throw new ProviderError('not-found', `There is no server ${ref}`);
      const { to, bodyFrom } = actions[action];
      const state = stateOfServer(server.status, server['OS-EXT-STS:task_state'] ?? null);
      if (state === to && action !== 'restart') return;
      const path = `/servers/${encodeURIComponent(ref)}/action`;
      await compute.tell({ method: 'POST', path, body: bodyFrom(server.status), signal });
    },

    async console(ref, signal) {
      const text = await printed(compute, ref, signal);
      if (text !== '') return { kind: 'text', text };
      return { kind: 'url', url: await screen(compute, ref, signal) };
    },
  };
}

/** Networks and groups go into the one call: Nova makes the ports, and takes them away with the server. */
async function placesOf(
  { networkRefs, securityGroupRefs, zone }: MachineRequest,
  {
    cloud,
    compute,
    settings,
    signal,
  }: { cloud: Cloud; compute: Service; settings: OpenstackSettings; signal: AbortSignal },
): Promise<object> {
  const refs =
    networkRefs.length > 0 || settings.defaultNetwork === null
      ? networkRefs
      : [await findNetwork(cloud, settings.defaultNetwork, signal)];
  // 2.37 demands a word about networks; before, none meant what `auto` means now.
  const none = (await compute.atLeast(37, signal)) ? { networks: 'auto' } : {};
  return {
    ...(refs.length > 0 ? { networks: refs.map((uuid) => ({ uuid })) } : none),
    ...(securityGroupRefs.length > 0 && { security_groups: securityGroupRefs.map((id) => ({ name: id })) }),
    ...(zone !== null && { availability_zone: zone }),
  };
}

async function optionsOf(
  { keyName, guest }: MachineRequest,
  {
    compute,
    settings,
    tag,
    signal,
  }: { compute: Service; settings: OpenstackSettings; tag: OwnerTag; signal: AbortSignal },
): Promise<object> {
  return {
    ...(keyName !== null && { key_name: keyName }),
    ...(guest.userData !== '' && { user_data: Buffer.from(guest.userData).toString('base64') }),
    ...(settings.configDrive && { config_drive: true }),
    // For people who look at the cloud's own pages. What counts is the metadata, which every version has.
    ...((await compute.atLeast(52, signal)) && { tags: ['medusa', `medusa-owner-${tag.owner}`] }),
  };
}

async function printed(compute: Service, ref: string, signal: AbortSignal): Promise<string> {
  const path = `/servers/${encodeURIComponent(ref)}/action`;
  const body = { 'os-getConsoleOutput': { length: 1_000 } };
  try {
    const { output } = await compute.ask(
      { method: 'POST', path, body, signal },
      z.object({ output: z.string().nullable() }),
    );
    return Buffer.from(output ?? '')
      .subarray(-consoleBytes)
      .toString('utf8');
  } catch (error) {
    // Not every hypervisor keeps what was printed, and not in every state: its screen may still be seen.
    if (isProviderFault(error, 'conflict', 'invalid', 'unknown-outcome')) return '';
    throw error;
  }
}

/** 2.6 brought one call for every kind of console. */
async function screen(compute: Service, ref: string, signal: AbortSignal): Promise<string> {
  const server = `/servers/${encodeURIComponent(ref)}`;
  if (await compute.atLeast(6, signal)) {
    const body = { remote_console: { protocol: 'vnc', type: 'novnc' } };
    const made = await compute.ask(
      { method: 'POST', path: `${server}/remote-consoles`, body, signal },
      z.object({ remote_console: z.object({ url: z.url() }) }),
    );
    return made.remote_console.url;
  }
  const made = await compute.ask(
    { method: 'POST', path: `${server}/action`, body: { 'os-getVNCConsole': { type: 'novnc' } }, signal },
    z.object({ console: z.object({ url: z.url() }) }),
  );
  return made.console.url;
}
