import { stat } from 'node:fs/promises';
import type { ResourceKind } from '@medusa/protocol';
import { z } from 'zod';
import {
  ProviderError,
  type DriverDefinition,
  type MachineAction,
  type ProviderDriver,
} from '../../port/index.ts';
import { openSimulatedClient, type SimulatedClient } from './client.ts';
import { catalogSchema, changesSchema, statusSchema } from './cloud-api.ts';

const settingsSchema = z.strictObject({
  /** Where `cloud-server.ts` listens. */
  url: z.url({ protocol: /^https?$/ }),
  /** What it was told to be like: see `ProviderTraits`. */
  uniqueNames: z.boolean().default(false),
  idempotencyTokens: z.boolean().default(true),
  visibilityMs: z.int().min(0).default(0),
  concurrency: z.int().min(1).max(256).default(32),
});
const credentialsSchema = z.strictObject({ token: z.string().min(1).optional() });

const machineActions: readonly MachineAction[] = ['start', 'stop', 'restart', 'suspend', 'resume'];
const watchMs = 20_000;

export const definition: DriverDefinition<
  z.output<typeof settingsSchema>,
  z.output<typeof credentialsSchema>
> = {
  kind: 'simulated',
  title: 'Simulated cloud',
  settingsSchema,
  credentialsSchema,
  async open({ url, ...traits }, { token }) {
    return driverOf(openSimulatedClient(url, token), traits);
  },
};

function driverOf(client: SimulatedClient, traits: ProviderDriver['traits']): ProviderDriver {
  const { ask, portOf, act } = client;
  const images = portOf('image');
  return {
    kind: 'simulated',
    traits,
    machines: {
      ...portOf('machine'),
      actions: machineActions,
      act: async (ref, action, operation) => act('machine', { ref, action }, operation.signal),
      async console(ref, signal) {
        const schema = z.object({ text: z.string() });
        const { text } = await ask({
          method: 'GET',
          path: `machine/${encodeURIComponent(ref)}/console`,
          schema,
          signal,
        });
        return { kind: 'text', text };
      },
    },
    volumes: {
      ...portOf('volume'),
      attach: async (ref, argument, { signal }) => act('volume', { ref, action: 'attach', argument }, signal),
      detach: async (ref, { signal }) => act('volume', { ref, action: 'detach' }, signal),
      revert: async (ref, argument, { signal }) => act('volume', { ref, action: 'revert', argument }, signal),
    },
    snapshots: portOf('snapshot'),
    networks: portOf('network'),
    addresses: {
      ...portOf('address'),
      assign: async (ref, argument, { signal }) =>
        act('address', { ref, action: 'assign', argument }, signal),
      unassign: async (ref, { signal }) => act('address', { ref, action: 'unassign' }, signal),
    },
    securityGroups: portOf('security-group'),
    images: {
      ...images,
      formats: ['qcow2', 'raw', 'rootfs-tar', 'oci-tar'],
      async create(spec, tag, name, operation) {
        // Its bytes stay here: nothing would run them.
        if (!(await stat(spec.file).catch(() => undefined))?.isFile())
          throw new ProviderError('invalid', `There is no image ${spec.file}`);
        return images.create(spec, tag, name, operation);
      },
    },
    keys: {
      async import(name, publicKey, { signal }) {
        await ask({ method: 'PUT', path: keyPath(name), body: { publicKey }, schema: z.unknown(), signal });
      },
      async remove(name, { signal }) {
        await client.unlessAbsent(
          ask({ method: 'DELETE', path: keyPath(name), schema: z.unknown(), signal }),
        );
      },
    },
    async probe(signal) {
      const { version, quotas } = await ask({ method: 'GET', path: '', schema: statusSchema, signal });
      return {
        version,
        quotas: quotas.map(({ kind, ...rest }) => ({ name: quotaNames[kind], unit: '', ...rest })),
      };
    },
    catalog: async (signal) => ask({ method: 'GET', path: 'catalog', schema: catalogSchema, signal }),
    async watch(owner, onChange, signal) {
      const query = `changes?owner=${encodeURIComponent(owner)}`;
      let { after } = await ask({ method: 'GET', path: query, schema: changesSchema, signal });
      while (!signal.aborted) {
        const path = `${query}&after=${after}&wait=${watchMs}`;
        const news = await ask({ method: 'GET', path, schema: changesSchema, signal });
        for (const ref of news.refs) onChange(ref);
        after = news.after;
      }
    },
    [Symbol.asyncDispose]: async () => client[Symbol.asyncDispose](),
  };
}

const keyPath = (name: string): string => `keys/${encodeURIComponent(name)}`;

const quotaNames: Readonly<Record<ResourceKind, string>> = {
  machine: 'machines',
  volume: 'volumes',
  snapshot: 'snapshots',
  network: 'networks',
  address: 'addresses',
  'security-group': 'security groups',
  image: 'images',
};
