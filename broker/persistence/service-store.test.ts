import { providerIdSchema, resourceIdSchema, serviceIdSchema } from '@medusa/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ClaimLost, type Presence } from '../provision/index.ts';
import type { ServiceRecord, ServiceStore } from '../service/index.ts';
import { startTestDatabase } from '../support/test-database.ts';
import { openDatabase, openPresence, type Db } from './index.ts';
import { createServiceStore } from './service-store.ts';

const suite = new AsyncDisposableStack();
let url: string;
let db: Db;
let store: ServiceStore;

beforeAll(async () => {
  url = await suite.use(await startTestDatabase()).create('services');
  db = await openDatabase(url, () => undefined);
  suite.defer(async () => db.destroy());
  store = createServiceStore(db);
});
afterAll(async () => suite.disposeAsync());
beforeEach(async () => {
  await db.deleteFrom('service').execute();
});

function recordOf(
  id: string,
  own: readonly string[],
  state: ServiceRecord['state'] = { kind: 'idle' },
): ServiceRecord {
  const resources = own.map((resource) => resourceIdSchema.parse(resource));
  const wishes = resources.map((resource) => ({
    id: resource,
    spec: { kind: 'security-group' as const, tenant: 'radiology', rules: [] },
    waitsFor: [],
  }));
  const node = { node: 'a', manifest: 'm', access: 'private', scope: 'normal', isShared: false } as const;
  return {
    ...{ id: serviceIdSchema.parse(id), provider: providerIdSchema.parse('cloud'), agreement: null },
    ...{ readySeconds: 60, createdAt: 0, createdBy: 'ada', since: 0, state, waitsFor: '' },
    plan: {
      manifest: 'm',
      nodes: [{ ...node, wishes, instructions: [] }],
      release: [{ node: 'a', instructions: [], resources }],
    },
    ...{ chosen: {}, parts: {}, guests: {}, steps: [] },
  };
}

const present = async (): Promise<Presence> => openPresence(url, () => undefined);
const claimAs = async ({ instance }: Presence) =>
  (await store.claim({ of: {}, others: 1 }, { instance, leaseMs: 600_000 })).claims;

describe('the store of services', () => {
  it('takes neither an id twice nor a thing that is another one’s, as long as that lives', async () => {
    expect(await store.insert(recordOf('one', ['a', 'b']))).toBe(true);
    expect(await store.insert(recordOf('one', ['c']))).toBe(false);
    expect(await store.insert(recordOf('two', ['b']))).toBe(false);
    expect(await store.insert(recordOf('three', ['d'], { kind: 'absent' }))).toBe(true);

    expect(await store.insert(recordOf('four', ['d']))).toBe(true);
  });

  it('tells which services a machine is a part of, as long as they live', async () => {
    await store.insert(recordOf('one', ['a', 'b'], { kind: 'running' }));
    await store.insert(recordOf('two', ['c'], { kind: 'absent' }));

    expect(await store.servicesOf('b')).toEqual(['one']);
    expect(await store.servicesOf('c')).toEqual([]);
  });

  it('keeps one of many that are inserted at once with the same things', async () => {
    const all = await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map(async (id) => store.insert(recordOf(id, ['same']))),
    );

    expect(all.filter(Boolean)).toHaveLength(1);
  });

  it('gives a service to one broker at a time, and at once to another when that one is gone', async () => {
    await store.insert(recordOf('one', ['a']));
    const first = await present();
    await using second = await present();
    const [claim] = await claimAs(first);
    if (!claim) throw new Error('Nothing was claimed');
    expect(await claimAs(second)).toEqual([]);

    await first[Symbol.asyncDispose]();
    const [next] = await claimAs(second);

    expect(next).toMatchObject({ id: 'one' });
    const late = store.write(claim, (record) => ({ ...record, waitsFor: 'late' }));
    await expect(late).rejects.toThrow(ClaimLost);
    expect(await store.find(serviceIdSchema.parse('one'))).toMatchObject({ waitsFor: '' });
  });

  it('has a service looked at again at once when it was changed while it was worked on', async () => {
    await store.insert(recordOf('one', ['a']));
    await using broker = await present();
    const [claim] = await claimAs(broker);
    if (!claim) throw new Error('Nothing was claimed');

    await store.change(serviceIdSchema.parse('one'), (record) => ({ ...record, waitsFor: 'asked' }));
    await store.release(claim, null);

    const [again] = await claimAs(broker);
    if (!again) throw new Error('Nothing was claimed');
    await store.release(again, null);
    expect(await claimAs(broker)).toEqual([]);
  });

  it('tells which things others count on, but for those that are over', async () => {
    await store.insert(recordOf('one', ['a', 'b']));
    await store.insert(recordOf('two', ['c'], { kind: 'error', reason: 'why' }));
    const ids = ['a', 'b', 'c', 'd'].map((id) => resourceIdSchema.parse(id));

    expect((await store.usedByOthers(serviceIdSchema.parse('three'), ids)).toSorted()).toEqual(['a', 'b']);
    expect(await store.usedByOthers(serviceIdSchema.parse('one'), ids)).toEqual([]);
  });

  it('knows what a machine is told, and nothing of machines that are no service’s', async () => {
    await store.insert({ ...recordOf('one', ['a', 'b']), guests: { a: { SERVICE_LIMIT: '3' } } });

    const told = async (id: string) => store.guestEnvironment(resourceIdSchema.parse(id));
    expect([await told('a'), await told('b'), await told('c')]).toEqual([{ SERVICE_LIMIT: '3' }, {}, {}]);
  });

  it('refuses to change what is not there', async () => {
    const change = store.change(serviceIdSchema.parse('none'), (record) => record);

    await expect(change).rejects.toMatchObject({ code: 'service.unknown' });
  });
});
