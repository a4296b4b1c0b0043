import { z } from 'zod';
import type { ProviderCatalog } from '@medusa/protocol';
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

const settingsSchema = z.strictObject({
  /** Of the cloud entry point, e.g. `https://cloud.example.org/cimi/cloudEntryPoint`. */
  endpoint: z.url(),
  ca: z.string().optional(),
});
const credentialsSchema = z.strictObject({ username: z.string().min(1), password: z.string().min(1) });
type Credentials = z.infer<typeof credentialsSchema>;

/** The DMTF's Cloud Infrastructure Management Interface (DSP0263 1.1, JSON). Machines only: their name and properties tell whose they are. */
export const definition: DriverDefinition<z.infer<typeof settingsSchema>, Credentials> = {
  kind: 'cimi',
  title: 'CIMI (DSP0263)',
  settingsSchema,
  credentialsSchema,
  open: async (settings, credentials) => toDriver(settings, credentials),
};

const namespace = 'http://schemas.dmtf.org/cimi/1';
const linkSchema = z.object({ href: z.string() });
const entrySchema = z.looseObject({
  resourceURI: z.string().optional(),
  machines: linkSchema,
  machineConfigs: linkSchema.optional(),
  machineImages: linkSchema.optional(),
});
/** A reference, or the resource itself: servers expand collections or do not. */
const memberSchema = z.looseObject({ id: z.string().optional(), href: z.string().optional() });

const machineSchema = z.object({
  id: z.string(),
  name: z.string().default(''),
  created: z.string().optional(),
  state: z.string(),
  properties: z.record(z.string(), z.string()).nullable().default({}),
  networkInterfaces: z
    .array(z.object({ address: z.string().optional() }))
    .or(z.unknown())
    .optional(),
  operations: z.array(z.object({ rel: z.string(), href: z.string() })).default([]),
});
type CimiMachine = z.infer<typeof machineSchema>;

type Cimi = {
  entry(signal: AbortSignal): Promise<z.infer<typeof entrySchema>>;
  get<Output>(url: string, schema: z.ZodType<Output>, signal: AbortSignal): Promise<Output>;
  change(
    method: 'POST' | 'DELETE',
    url: string,
    options: { body?: object; signal: AbortSignal },
  ): Promise<string | null>;
  /** Every member of a collection, read whole. */
  members<Output>(
    url: string,
    name: string,
    options: { schema: z.ZodType<Output>; signal: AbortSignal },
  ): Promise<Output[]>;
};

function openCimi(endpoint: Endpoint, base: string, { username, password }: Credentials): Cimi {
  const headers = {
    accept: 'application/json',
    'cimi-specification-version': '1.1.0',
    authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
  };
  const ask = async (
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    { body, signal }: { body?: object; signal: AbortSignal },
  ): Promise<{ text: string; location: string | null }> => {
    const answer = await endpoint.ask({
      ...{ method, url: new URL(url, base).href, signal },
      headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (answer.status >= 300) throw faultOfStatus(answer, { what: url, isChange: method !== 'GET' });
    return { text: answer.text, location: answer.headers['location'] ?? null };
  };
  const get: Cimi['get'] = async (url, schema, signal) =>
    schema.parse(JSON.parse((await ask('GET', url, { signal })).text));
  return {
    get,
    entry: async (signal) => get(base, entrySchema, signal),
    change: async (method, url, options) => (await ask(method, url, options)).location,
    async members(url, name, { schema, signal }) {
      const collection = z.looseObject({ [name]: z.array(memberSchema).default([]) });
      const members = z.array(memberSchema).parse((await get(url, collection, signal))[name]);
      const whole: z.infer<typeof schema>[] = [];
      for (const member of members) {
        const parsed = schema.safeParse(member);
        whole.push(parsed.success ? parsed.data : await get(member.href ?? member.id ?? url, schema, signal));
      }
      return whole;
    },
  };
}

const states: Readonly<Record<string, ItemState>> = {
  CREATING: 'pending',
  STARTING: 'starting',
  STARTED: 'running',
  STOPPING: 'stopping',
  STOPPED: 'stopped',
  PAUSING: 'running',
  PAUSED: 'suspended',
  SUSPENDING: 'running',
  SUSPENDED: 'suspended',
  CAPTURING: 'running',
  RESTORING: 'starting',
  DELETING: 'stopping',
  ERROR: 'error',
  FAILED: 'error',
};
/** The action's name in the namespace, and the states in which it is done already. */
const actions: Readonly<
  Record<MachineAction, { readonly name: string; readonly done: readonly ItemState[] }>
> = {
  start: { name: 'start', done: ['running', 'starting'] },
  resume: { name: 'start', done: ['running', 'starting'] },
  stop: { name: 'stop', done: ['stopped', 'stopping'] },
  restart: { name: 'restart', done: [] },
  suspend: { name: 'suspend', done: ['suspended'] },
};

function toDriver(
  { endpoint: url, ca }: z.infer<typeof settingsSchema>,
  credentials: Credentials,
): ProviderDriver {
  const endpoint = openEndpoint({ origins: [new URL(url).origin], ...(ca === undefined ? {} : { ca }) });
  const cimi = openCimi(endpoint, url, credentials);
  return {
    kind: 'cimi',
    traits: { uniqueNames: false, idempotencyTokens: false, visibilityMs: 30_000, concurrency: 2 },
    machines: createMachinePort(cimi),
    probe: async (signal) => ({ version: (await cimi.entry(signal)).resourceURI ?? namespace, quotas: [] }),
    catalog: async (signal) => readCatalog(cimi, signal),
    [Symbol.asyncDispose]: async () => endpoint[Symbol.asyncDispose](),
  };
}

function createMachinePort(cimi: Cimi): MachinePort {
  const find = async (ref: string, signal: AbortSignal): Promise<CimiMachine | undefined> => {
    try {
      return await cimi.get(ref, machineSchema, signal);
    } catch (error) {
      if (error instanceof ProviderError && error.fault === 'not-found') return undefined;
      throw error;
    }
  };
  const list: MachinePort['list'] = async (owner, signal) => {
    const { machines } = await cimi.entry(signal);
    const all = await cimi.members(machines.href, 'machines', { schema: machineSchema, signal });
    return all.flatMap((machine) => {
      const tag = tagOf('machine', machine.name);
      return tag?.owner === owner ? [toMachine(machine, tag)] : [];
    });
  };
  return {
    actions: ['start', 'stop', 'restart', 'suspend', 'resume'],
    list,
    async create(request, tag, name, { signal }) {
      if (request.networkRefs.length > 0 || request.securityGroupRefs.length > 0)
        throw new ProviderError('invalid', 'Networks are not offered at this provider');
      const properties = {
        ...{ 'medusa-owner': tag.owner, 'medusa-resource': tag.resource },
        'medusa-incarnation': String(tag.incarnation),
        ...{ 'medusa-image': request.image, 'medusa-size': request.size },
      };
      const machineTemplate = {
        machineConfig: { href: request.size },
        machineImage: { href: request.image },
        initialState: 'STARTED',
        userData: Buffer.from(request.guest.userData).toString('base64'),
      };
      const body = { resourceURI: `${namespace}/MachineCreate`, name, properties, machineTemplate };
      const { machines } = await cimi.entry(signal);
      const location = await cimi.change('POST', machines.href, { body, signal });
      // 201 leads to the machine, 202 to a job: then the machine is found by its name.
      const told = location === null ? undefined : await asMachine(cimi, location, signal);
      const made =
        told?.name === name
          ? toMachine(told, tag)
          : (await list(tag.owner, signal)).find((machine) => machine.name === name);
      if (!made) throw new ProviderError('unknown-outcome', 'The new machine is not to be seen yet');
      return made;
    },
    async get(ref, signal) {
      const machine = await find(ref, signal);
      const tag = machine && tagOf('machine', machine.name);
      return machine && tag ? toMachine(machine, tag) : undefined;
    },
    async act(ref, action, { signal }) {
      const machine = await find(ref, signal);
      if (!machine) throw new ProviderError('not-found', `There is no machine ${ref}`);
      const { name, done } = actions[action];
      if (done.includes(states[machine.state] ?? 'unknown')) return;
      const uri = `${namespace}/action/${name}`;
      const operation = machine.operations.find(({ rel }) => rel === uri);
      if (!operation)
        throw new ProviderError('conflict', `A machine in state ${machine.state} does not offer ${name}`);
      const body = { resourceURI: `${namespace}/Action`, action: uri, force: 'true' };
      await cimi.change('POST', operation.href, { body, signal });
    },
    async destroy(ref, { signal }) {
      const machine = await find(ref, signal);
      if (machine && machine.state !== 'DELETING') await cimi.change('DELETE', ref, { signal });
    },
  };
}

async function asMachine(cimi: Cimi, url: string, signal: AbortSignal): Promise<CimiMachine | undefined> {
  return machineSchema.safeParse(await cimi.get(url, z.unknown(), signal)).data;
}

function toMachine(
  { id: ref, name, state: word, created, properties, networkInterfaces }: CimiMachine,
  tag: OwnerTag,
): Machine {
  const interfaces =
    z.array(z.object({ address: z.string().optional() })).safeParse(networkInterfaces).data ?? [];
  const at = Date.parse(created ?? '');
  return {
    ...{ ref, name, tag, state: states[word] ?? 'unknown', detail: word },
    createdAt: Number.isNaN(at) ? null : new Date(at),
    addresses: interfaces.flatMap(({ address }) => (address === undefined ? [] : [address])),
    image: properties?.['medusa-image'] ?? null,
    size: properties?.['medusa-size'] ?? null,
    zone: null,
  };
}

/** Kibibytes, as DSP0263 counts memory; early servers told quantity and units. */
const memorySchema = z.union([
  z.coerce.number().transform((kib) => kib / 1_024),
  z.object({ quantity: z.coerce.number(), units: z.string() }).transform(({ quantity, units }) => {
    const factors: Record<string, number> = {
      kibibyte: 1 / 1_024,
      mebibyte: 1,
      megabyte: 1,
      gibibyte: 1_024,
      gigabyte: 1_024,
    };
    return quantity * (factors[units] ?? 1);
  }),
]);

async function readCatalog(cimi: Cimi, signal: AbortSignal): Promise<ProviderCatalog> {
  const { machineConfigs, machineImages } = await cimi.entry(signal);
  const config = z.object({
    id: z.string(),
    name: z.string().optional(),
    cpu: z.coerce.number(),
    memory: memorySchema,
  });
  const image = z.object({ id: z.string(), name: z.string().optional(), imageLocation: z.unknown() });
  const configs = machineConfigs
    ? await cimi.members(machineConfigs.href, 'machineConfigs', { schema: config, signal })
    : [];
  const images = machineImages
    ? await cimi.members(machineImages.href, 'machineImages', { schema: image, signal })
    : [];
  const common = { diskGiB: null, gpu: null, encoder: null, architecture: null };
  return {
    images: images.map(({ id, name }) => ({ id, name: name ?? id, architecture: null })),
    sizes: configs.map(({ id, name, cpu, memory }) => ({
      id,
      name: name ?? id,
      cpus: cpu,
      memoryMiB: Math.round(memory),
      ...common,
    })),
    ...{ zones: [], networks: [], volumeTypes: [] },
  };
}
