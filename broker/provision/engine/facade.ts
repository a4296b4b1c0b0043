import { AppError, type PoolId, type ProviderId, type ResourceId, type ResourceView } from '@medusa/protocol';
import { poolTarget } from '../policy/index.ts';
import { ProviderError } from '../port/index.ts';
import type { Seal } from '../credentials/index.ts';
import type { By, Provisioning } from '../provisioning.ts';
import { checkProvider, checkSpec, conflict, refuse, wishAfter } from './checks.ts';
import { newWish, type NewEvent, type ProviderRecord, type ResourceRecord } from './model.ts';
import { completeNetwork } from './network-cidrs.ts';
import type { OpenDrivers } from './open-drivers.ts';
import { planForAction, planForCreate, planForPool } from './plans.ts';
import { warmSlotsOf } from './pool-loop.ts';
import { checkHealth } from './provider-loop.ts';
import type { ProvisionStore, WorkStore } from './store.ts';
import { toPoolView, toProviderView, toResourceView } from './views.ts';

type FacadeDeps = {
  readonly store: ProvisionStore;
  readonly work: WorkStore;
  readonly seal: Seal;
  readonly report: (error: unknown) => void;
  readonly drivers: OpenDrivers;
  readonly events: Provisioning['events'];
  readonly now: () => number;
  readonly newId: () => string;
};

/** What the edges ask for: the wishes are written down, the loops do the rest. */
export function createFacade(deps: FacadeDeps): Provisioning {
  const { store, work, drivers, seal, now, newId } = deps;

  const typicalSeconds = remembered(typicalForMs, now, async () => store.typicalSeconds());
  const requireProvider = async (id: ProviderId): Promise<ProviderRecord> => {
    const provider = await store.provider(id);
    if (!provider) throw new AppError('provider.unknown', 'There is no such provider');
    return provider;
  };
  const requireResource = async (id: ResourceId): Promise<ResourceRecord> => {
    const record = await store.resource(id);
    if (!record) throw new AppError('resource.unknown', 'There is no such resource');
    return record;
  };
  const views = async (records: readonly ResourceRecord[]): Promise<ResourceView[]> => {
    const [nodes, typical] = await Promise.all([store.nodes(records.map(({ id }) => id)), typicalSeconds()]);
    return records.map((record) => toResourceView(record, { nodes, typical }));
  };
  const view = async (record: ResourceRecord): Promise<ResourceView> => {
    const [one] = await views([record]);
    if (!one) throw new AppError('resource.unknown', 'There is no such resource');
    return one;
  };
  const poolViews = async (ids?: readonly PoolId[]) => {
    const pools = (await store.pools()).filter(({ id, isWanted }) => (ids ? ids.includes(id) : isWanted));
    const resources = await store.resources({ kind: 'machine' });
    const nodes = await store.nodes(resources.map(({ id }) => id));
    return pools.map((pool) => toPoolView(pool, { resources, nodes }));
  };
  const providerView = async (id: ProviderId) =>
    toProviderView(await requireProvider(id), await store.resources({ provider: id }));
  const byAdmin = ({ actor }: By, text: string): NewEvent => ({
    ...{ provider: null, resource: null, kind: 'admin', outcome: 'ok', durationMs: null },
    text: `${actor}: ${text}`,
  });

  return {
    events: deps.events,

    async providers() {
      const [providers, resources] = await Promise.all([store.providers(), store.resources({})]);
      return providers.map((provider) => toProviderView(provider, resources));
    },

    async putProvider(id, { kind, title, settings, credentials, isEnabled }, by) {
      const known = await store.provider(id);
      if (known && known.kind !== kind && (await store.resources({ provider: id })).length > 0)
        conflict('Its kind cannot change while something of ours is there');
      checkProvider(await definitionOf(drivers, kind), {
        settings,
        ...(credentials === undefined ? {} : { credentials }),
      });
      const sealed = credentials === undefined ? {} : { credentials: seal.seal(id, credentials) };
      await store.putProvider({ id, kind, title, settings, isEnabled, ...sealed });
      await store.append([{ ...byAdmin(by, known ? 'changed' : 'added'), provider: id }]);
      await work.kick(
        'resource',
        (await store.resources({ provider: id })).map((record) => record.id),
      );
      return providerView(id);
    },

    async removeProvider(id, by) {
      await requireProvider(id);
      const rows = await store.resources({ provider: id });
      if (rows.length > 0) conflict(`${rows.length} of our resources are there`);
      const pool = (await store.pools()).find(({ wanted }) => wanted.providers.includes(id));
      if (pool) conflict(`Pool ${pool.id} uses it`);
      await drivers.forget(id);
      await store.removeProvider(id);
      await store.append([{ ...byAdmin(by, 'removed'), provider: id }]);
    },

    async checkProvider(id, signal) {
      await checkHealth(deps, await requireProvider(id), signal);
      return providerView(id);
    },

    async catalog(id, signal) {
      const { driver } = await drivers.open(await requireProvider(id));
      return driver.catalog(signal);
    },

    pools: async () => poolViews(),

    async putPool(id, wanted, by) {
      for (const [index, provider] of wanted.providers.entries())
        if (!(await store.provider(provider)))
          refuse(`/providers/${index}`, `There is no provider ${provider}`);
      if (wanted.policy.max < wanted.policy.min) refuse('/policy/max', 'Less than the minimum');
      if (!isTimeZone(wanted.policy.timeZone)) refuse('/policy/timeZone', 'No such time zone');
      await store.putPool(id, wanted);
      await store.append([byAdmin(by, `pool ${id} set`)]);
      const [pool] = await poolViews([id]);
      if (!pool) throw new AppError('pool.unknown', 'There is no such pool');
      return pool;
    },

    async removePool(id, by) {
      const pool = await store.pool(id);
      if (!pool?.isWanted) throw new AppError('pool.unknown', 'There is no such pool');
      await store.dismissPool(id);
      await store.append([byAdmin(by, `pool ${id} removed`)]);
    },

    async planPool(id, wanted) {
      const [pool, rows, typical] = await Promise.all([
        store.pool(id),
        store.resources({ pool: id }),
        typicalSeconds(),
      ]);
      const nodes = await store.nodes(rows.map((record) => record.id));
      const usedSlots = [...nodes.values()].reduce((sum, { liveSessions }) => sum + liveSessions, 0);
      const warmSlots = await warmSlotsOf(store, id, wanted.policy);
      const { target } = poolTarget(
        wanted.policy,
        { slotsPerNode: wanted.machine.slots ?? 1, usedSlots, warmSlots },
        {
          arrivals: { requests: [], meanHoldSeconds: 0, leadSeconds: 0 },
          now: new Date(now()),
        },
      );
      return planForPool(id, wanted, { pool, rows, target, typical });
    },

    async resources(filter) {
      return views(await store.resources(filter));
    },

    resource: async (id) => view(await requireResource(id)),

    async create({ id, provider, spec }, by) {
      const target = await requireProvider(provider);
      const others = await store.resources({});
      checkSpec(spec, target, others);
      if (await isPoolName(deps, id)) conflict(`${id} is a name of a pool's nodes`);
      const wish = newWish(completeNetwork(spec, provider, others));
      const event = { ...byAdmin(by, 'created'), provider, resource: id };
      const [record] = await store.insert([{ id, provider, pool: null, wish }], () => event);
      if (!record) conflict(`${id} exists`);
      return view(record);
    },

    async planCreate(wanted) {
      checkSpec(wanted.spec, await requireProvider(wanted.provider), await store.resources({}));
      return planForCreate(wanted, await typicalSeconds());
    },

    async act(id, action, by) {
      const record = await requireResource(id);
      const [others, provider] = await Promise.all([store.resources({}), store.provider(record.provider)]);
      const context = { others, capabilities: provider?.health.capabilities ?? [], askId: newId() };
      const event = { ...byAdmin(by, action.action), provider: record.provider, resource: id };
      return view(await store.changeWish(id, (latest) => wishAfter(latest, action, context), event));
    },

    async planAct(id, action) {
      const record = await requireResource(id);
      const [others, provider, nodes, typical] = await Promise.all([
        store.resources({}),
        store.provider(record.provider),
        store.nodes([id]),
        typicalSeconds(),
      ]);
      wishAfter(record, action, {
        others,
        capabilities: provider?.health.capabilities ?? [],
        askId: newId(),
      });
      return planForAction(record, action, { typical, liveSessions: nodes.get(id)?.liveSessions ?? 0 });
    },

    async console(id, signal) {
      const { provider, status } = await requireResource(id);
      const { driver } = await drivers.open(await requireProvider(provider));
      if (!driver.machines.console || status.ref === null) return conflict('There is no console');
      return driver.machines.console(status.ref, signal);
    },

    log: async (query) => store.log(query),
  };
}

async function definitionOf(drivers: OpenDrivers, kind: ProviderRecord['kind']) {
  try {
    return await drivers.definition(kind);
  } catch (error) {
    if (error instanceof ProviderError) return refuse('/kind', error.message);
    throw error;
  }
}

/** `<pool>-<n>` is the pool's to give. */
async function isPoolName({ store }: Pick<FacadeDeps, 'store'>, id: ResourceId): Promise<boolean> {
  const pools = await store.pools();
  return pools.some((pool) => id.startsWith(`${pool.id}-`) && /^\d+$/.test(id.slice(pool.id.length + 1)));
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const typicalForMs = 5_000;

/** Many pages ask at once for what changes slowly. */
function remembered<Value>(
  forMs: number,
  now: () => number,
  read: () => Promise<Value>,
): () => Promise<Value> {
  let last: { readonly at: number; readonly value: Promise<Value> } | undefined;
  return async () => {
    if (!last || now() - last.at > forMs) {
      const value = read();
      last = { at: now(), value };
      value.catch(() => (last = undefined));
    }
    return last.value;
  };
}
