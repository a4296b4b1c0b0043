import { nameOf, type TestDatabase } from '@medusa/broker/support/bench';
import { waitFor } from '../../support/wait.ts';
import { launchEngine } from './engine-process.ts';
import { openLedger } from './ledger.ts';
import { openProvider } from './open-provider.ts';
import { isThere, signal, type Place } from './places.ts';

/** Things that bear our tag and that nobody wants, beside things that are wanted, and things of others. */
export async function sweepOrphans(
  place: Place,
  { database, count }: { database: TestDatabase; count: number },
): Promise<{ seconds: number; touched: number }> {
  const { provider, machine, timeoutMs } = place;
  const databaseUrl = await database.create(`sweep_${provider.kind}`);
  await using ledger = await openLedger(databaseUrl, provider.kind);
  await using driver = await openProvider(provider);
  await using engine = await launchEngine(databaseUrl, { provider, rollCallMs: 10_000, cap: 25 });
  const plant = async (owner: string, resource: string): Promise<void> => {
    const tag = { owner, resource, incarnation: 1 };
    const request = {
      ...{ ...machine, zone: null, networkRefs: [], securityGroupRefs: [], keyName: null },
      guest: { environment: {}, userData: '#cloud-config\n' },
    };
    await driver.machines.create(request, tag, nameOf('machine', tag), {
      id: `${owner}-${resource}`,
      signal: signal(),
    });
  };
  const strangers = 'stranger';
  await inParallel(count + 5, driver.traits.concurrency, async (index) =>
    index < count ? plant(ledger.owner, `orphan-${index}`) : plant(strangers, `node-${index}`),
  );
  for (const id of ['wanted-1', 'wanted-2', 'wanted-3']) await ledger.want(id, machine);
  const startedAt = performance.now();
  await engine.start();
  for (const id of ['wanted-1', 'wanted-2', 'wanted-3']) await ledger.settled(id, 'ready', timeoutMs);
  const refs = async (owner: string): Promise<string[]> =>
    (await driver.machines.list(owner, signal())).filter(isThere).map(({ ref }) => ref);
  const orphans = async (): Promise<number> =>
    (await driver.machines.list(ledger.owner, signal())).filter(
      (thing) => isThere(thing) && thing.tag.resource.startsWith('orphan-'),
    ).length;
  await waitFor(
    'the orphans to be swept',
    async () => ((await orphans()) === 0 ? true : undefined),
    timeoutMs + 300_000,
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  const touched = 3 - (await refs(ledger.owner)).length + 5 - (await refs(strangers)).length;
  for (const owner of [ledger.owner, strangers])
    for (const ref of await refs(owner)) await driver.machines.destroy(ref, { id: ref, signal: signal() });
  return { seconds, touched };
}

async function inParallel(
  count: number,
  limit: number,
  act: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await act((next += 1) - 1);
  };
  await Promise.all(Array.from({ length: limit }, work));
}
