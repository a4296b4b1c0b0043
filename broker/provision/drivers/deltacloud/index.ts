import { architectureSchema, type ProviderCatalog } from '@medusa/protocol';
import { z } from 'zod';
import {
  openEndpoint,
  ProviderError,
  tagOf,
  type DriverDefinition,
  type Endpoint,
  type ItemState,
  type Machine,
  type MachineAction,
  type MachinePort,
  type OwnerTag,
  type ProviderDriver,
} from '../../port/index.ts';
import { faultOfStatus } from '../http-faults.ts';
import { readXml } from '../xml/document.ts';

const settingsSchema = z.strictObject({
  /** Entry point of the server, e.g. `https://deltacloud.example.org/api`. */
  endpoint: z.url(),
  ca: z.string().optional(),
  /** What the server stands before, when it serves several: sent as X-Deltacloud-Driver and -Provider. */
  driver: z
    .string()
    .regex(/^[a-z0-9_-]{1,40}$/)
    .optional(),
  provider: z
    .string()
    .regex(/^[\w.:;=/-]{1,200}$/)
    .optional(),
});
type Settings = z.infer<typeof settingsSchema>;
/** Of the cloud behind the server: they pass through as HTTP Basic. */
const credentialsSchema = z.strictObject({ username: z.string().min(1), password: z.string().min(1) });

/**
 * Deltacloud's classic API 1.1 (XML). It has no tags: whose a machine is, is read from its name. Volumes and addresses cannot
 * be named at every cloud behind it, so that a crash could leave some that nobody finds: they are not offered.
 */
export const definition: DriverDefinition<Settings, z.infer<typeof credentialsSchema>> = {
  kind: 'deltacloud',
  title: 'Deltacloud',
  settingsSchema,
  credentialsSchema,
  open: async (settings, credentials) => toDriver(settings, credentials),
};

type Deltacloud = {
  get(path: string, signal: AbortSignal): Promise<unknown>;
  change(
    method: 'POST' | 'DELETE',
    path: string,
    options: { form?: Record<string, string>; signal: AbortSignal },
  ): Promise<unknown>;
};

/** Elements that occur any number of times. */
const lists = ['instance', 'image', 'hardware_profile', 'realm', 'property', 'address', 'link', 'api'];

function openDeltacloud(
  endpoint: Endpoint,
  { endpoint: base, driver, provider }: Settings,
  { username, password }: z.infer<typeof credentialsSchema>,
): Deltacloud {
  const root = base.replace(/\/$/, '');
  const headers = {
    accept: 'application/xml',
    authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
    ...(driver === undefined ? {} : { 'x-deltacloud-driver': driver }),
    ...(provider === undefined ? {} : { 'x-deltacloud-provider': provider }),
  };
  const ask = async (
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    { form, signal }: { form?: Record<string, string>; signal: AbortSignal },
  ): Promise<unknown> => {
    const answer = await endpoint.ask({
      method,
      url: `${root}${path}`,
      headers: { ...headers, ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) },
      ...(form ? { body: new URLSearchParams(form).toString() } : {}),
      signal,
    });
    if (answer.status >= 300)
      throw faultOfStatus(answer, { what: path, isChange: method !== 'GET', reason: reasonOf(answer.text) });
    return answer.text === '' ? undefined : readXml(answer.text, lists);
  };
  return { get: async (path, signal) => ask('GET', path, { signal }), change: ask };
}

function reasonOf(text: string): string | undefined {
  const schema = z.object({ error: z.object({ message: z.string() }) });
  try {
    return schema.parse(readXml(text)).error.message;
  } catch {
    // Errors of a proxy in front of it are in HTML.
    return undefined;
  }
}

const linked = z.object({ '@id': z.string() });
const instanceSchema = z.object({
  '@id': z.string(),
  name: z.string(),
  state: z.string(),
  image: z.array(linked).default([]),
  realm: z.array(linked).default([]),
  hardware_profile: z.array(linked).default([]),
  launch_time: z.string().optional(),
  public_addresses: z.unknown(),
  private_addresses: z.unknown(),
});
type Instance = z.infer<typeof instanceSchema>;

/** The states of the API; what a cloud cannot tell it calls UNKNOWN. */
const states: Readonly<Record<string, ItemState>> = {
  START: 'pending',
  PENDING: 'pending',
  RUNNING: 'running',
  SHUTTING_DOWN: 'stopping',
  STOPPING: 'stopping',
  STOPPED: 'stopped',
  SUSPENDED: 'suspended',
  FINISH: 'terminated',
  ERROR: 'error',
};
const actions = { start: 'start', stop: 'stop', restart: 'reboot' } as const satisfies Partial<
  Record<MachineAction, string>
>;

function toDriver(settings: Settings, credentials: z.infer<typeof credentialsSchema>): ProviderDriver {
  const { endpoint: url, ca } = settings;
  const endpoint = openEndpoint({ origins: [new URL(url).origin], ...(ca === undefined ? {} : { ca }) });
  const cloud = openDeltacloud(endpoint, settings, credentials);
  return {
    kind: 'deltacloud',
    traits: { uniqueNames: false, idempotencyTokens: false, visibilityMs: 30_000, concurrency: 2 },
    machines: createMachinePort(cloud),
    async probe(signal) {
      const root = z.object({
        api: z.array(z.object({ '@version': z.string(), '@driver': z.string() })).min(1),
      });
      const [api] = root.parse(await cloud.get('', signal)).api;
      return { version: `${api?.['@version'] ?? ''} (${api?.['@driver'] ?? ''})`, quotas: [] };
    },
    catalog: async (signal) => readCatalog(cloud, signal),
    [Symbol.asyncDispose]: async () => endpoint[Symbol.asyncDispose](),
  };
}

function createMachinePort(cloud: Deltacloud): MachinePort {
  const find = async (ref: string, signal: AbortSignal): Promise<Instance | undefined> => {
    try {
      const body = await cloud.get(`/instances/${encodeURIComponent(ref)}`, signal);
      return z.object({ instance: z.array(instanceSchema).length(1) }).parse(body).instance[0];
    } catch (error) {
      if (error instanceof ProviderError && error.fault === 'not-found') return undefined;
      throw error;
    }
  };
  return {
    actions: ['start', 'stop', 'restart'],
    async create(request, tag, name, { signal }) {
      if (request.networkRefs.length > 0)
        throw new ProviderError('invalid', 'Deltacloud places no machine on a network');
      const [group] = request.securityGroupRefs;
      const form = {
        ...{ image_id: request.image, hwp_id: request.size, name },
        ...{ user_data: Buffer.from(request.guest.userData).toString('base64') },
        ...(request.zone === null ? {} : { realm_id: request.zone }),
        ...(request.keyName === null ? {} : { keyname: request.keyName }),
        ...(group === undefined ? {} : { firewalls1: group }),
      };
      const body = await cloud.change('POST', '/instances', { form, signal });
      const [made] = z.object({ instance: z.array(instanceSchema).length(1) }).parse(body).instance;
      if (!made) throw new ProviderError('unknown-outcome', 'The new instance was not told');
      // Some clouds behind it give another name: then it could not be found again.
      if (made.name !== name) {
        await cloud.change('DELETE', `/instances/${encodeURIComponent(made['@id'])}`, { signal });
        throw new ProviderError('invalid', 'This cloud does not keep the names of instances');
      }
      return toMachine(made, tag);
    },
    async get(ref, signal) {
      const instance = await find(ref, signal);
      const tag = instance && tagOf('machine', instance.name);
      return instance && tag ? toMachine(instance, tag) : undefined;
    },
    async list(owner, signal) {
      const schema = z.object({
        instances: z.union([z.literal(''), z.object({ instance: z.array(instanceSchema).default([]) })]),
      });
      const { instances } = schema.parse(await cloud.get('/instances', signal));
      return (instances === '' ? [] : instances.instance).flatMap((instance) => {
        const tag = tagOf('machine', instance.name);
        return tag?.owner === owner ? [toMachine(instance, tag)] : [];
      });
    },
    async act(ref, action, { signal }) {
      if (action === 'suspend' || action === 'resume')
        throw new ProviderError('invalid', `Deltacloud cannot ${action}`);
      const instance = await find(ref, signal);
      if (!instance) throw new ProviderError('not-found', `There is no instance ${ref}`);
      const state = states[instance.state];
      if ((action === 'start' && state === 'running') || (action === 'stop' && state === 'stopped')) return;
      await cloud.change('POST', `/instances/${encodeURIComponent(ref)}/${actions[action]}`, {
        form: {},
        signal,
      });
    },
    async destroy(ref, { signal }) {
      const instance = await find(ref, signal);
      if (!instance || states[instance.state] === 'terminated') return;
      await cloud.change('DELETE', `/instances/${encodeURIComponent(ref)}`, { signal });
    },
  };
}

function toMachine(instance: Instance, tag: OwnerTag): Machine {
  const { '@id': ref, name, state: word, launch_time: launched = '' } = instance;
  const at = Date.parse(launched);
  const firstId = (links: readonly { '@id': string }[]): string | null => links[0]?.['@id'] ?? null;
  return {
    ...{ ref, name, tag, state: states[word] ?? 'unknown', detail: word },
    createdAt: Number.isNaN(at) ? null : new Date(at),
    addresses: [...addressesOf(instance.public_addresses), ...addressesOf(instance.private_addresses)],
    image: firstId(instance.image),
    size: firstId(instance.hardware_profile),
    zone: firstId(instance.realm),
  };
}

function addressesOf(element: unknown): string[] {
  const one = z.union([
    z.string(),
    z.looseObject({ '#text': z.string().optional(), '@type': z.string().optional() }),
  ]);
  const parsed = z.object({ address: z.array(one) }).safeParse(element);
  const texts = (parsed.data?.address ?? []).map((address) =>
    typeof address === 'string' ? address : (address['#text'] ?? ''),
  );
  return texts.filter((text) => text !== '');
}

async function readCatalog(cloud: Deltacloud, signal: AbortSignal): Promise<ProviderCatalog> {
  const orEmpty = <Shape extends z.ZodType>(shape: Shape): z.ZodUnion<[z.ZodLiteral<''>, Shape]> =>
    z.union([z.literal(''), shape]);
  const image = z.object({
    '@id': z.string(),
    name: z.string().default(''),
    architecture: z.string().default(''),
  });
  const images = z
    .object({ images: orEmpty(z.object({ image: z.array(image) })) })
    .parse(await cloud.get('/images', signal));
  const property = z.object({
    '@name': z.string(),
    '@value': z.string().optional(),
    '@unit': z.string().optional(),
  });
  const profile = z.object({
    '@id': z.string(),
    name: z.string().default(''),
    property: z.array(property).default([]),
  });
  const profiles = z
    .object({ hardware_profiles: orEmpty(z.object({ hardware_profile: z.array(profile) })) })
    .parse(await cloud.get('/hardware_profiles', signal));
  const realms = z
    .object({ realms: orEmpty(z.object({ realm: z.array(linked) })) })
    .parse(await cloud.get('/realms', signal));
  return {
    images: (images.images === '' ? [] : images.images.image).map(({ '@id': id, name, architecture }) => ({
      ...{ id, name: name || id },
      architecture:
        architectureSchema.safeParse(architecture === 'x86_64' ? 'x64' : architecture).data ?? null,
    })),
    sizes: (profiles.hardware_profiles === '' ? [] : profiles.hardware_profiles.hardware_profile).map(toSize),
    zones: (realms.realms === '' ? [] : realms.realms.realm).map(({ '@id': id }) => id),
    ...{ networks: [], volumeTypes: [] },
  };
}

function toSize({
  '@id': id,
  name,
  property: properties,
}: {
  '@id': string;
  name: string;
  property: { '@name': string; '@value'?: string | undefined; '@unit'?: string | undefined }[];
}): ProviderCatalog['sizes'][number] {
  const valueOf = (wanted: string): { value: number; unit: string } => {
    const found = properties.find(({ '@name': given }) => given === wanted);
    return { value: Number(found?.['@value'] ?? 0), unit: found?.['@unit'] ?? '' };
  };
  const memory = valueOf('memory');
  const memoryMiB = Math.round(memory.unit === 'GB' ? memory.value * 1_024 : memory.value);
  const common = { gpu: null, encoder: null, architecture: null };
  return {
    id,
    name: name || id,
    cpus: valueOf('cpu').value,
    memoryMiB,
    diskGiB: valueOf('storage').value,
    ...common,
  };
}
