import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineSpecSchema, providerIdSchema, resourceIdSchema } from '@medusa/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DriverUnderTest } from '../provision/port/driver.contract.ts';
import { withFaults, type FaultCounts, type FaultPlan } from '../provision/port/faults.ts';
import { definitionOf, startEngine, type RunningEngine } from './running-engine.ts';
import { startTestDatabase, type TestDatabase } from './test-database.ts';

const often = { share: 0.5 };

/** What providers do, each by itself and all of it together. */
const plans: Readonly<Record<string, FaultPlan>> = {
  'does as it is told': {},
  'breaks off before it has done anything': { lostBefore: { share: 1, most: 2 } },
  'breaks off after it has done all': { lostAfter: { share: 1, most: 3 } },
  'asks to be asked later': { throttled: { share: 1, most: 3 }, retryAfterMs: 50 },
  'cannot be looked at for a while': { unreadable: { share: 0.7, most: 6 } },
  'lists everything twice': { doubledLists: true },
  'shows what is new late': { hiddenMs: 400 },
  'shows what is gone for a while': { staleMs: 300 },
  'takes long to destroy': { slowDestroyMs: 700 },
  'takes the same operation for a new one': { ignoredTokens: true, lostAfter: { share: 1, most: 1 } },
  'does all of that': {
    lostBefore: { ...often, most: 2 },
    lostAfter: { ...often, most: 2 },
    throttled: { ...often, most: 2 },
    retryAfterMs: 50,
    unreadable: { ...often, most: 4 },
    doubledLists: true,
    hiddenMs: 200,
    staleMs: 100,
    slowDestroyMs: 200,
    ignoredTokens: true,
  },
};

const testLimitMs = 600_000;
const provider = providerIdSchema.parse('under-test');
const id = resourceIdSchema.parse('node-1');
const by = { actor: 'test' };

/**
 * The engine over a driver whose provider misbehaves: one machine is wanted and in the end there is exactly one; none is wanted and in
 * the end there is none.
 */
export function describeEngineOver(name: string, start: () => Promise<DriverUnderTest>): void {
  describe(`the engine over ${name}`, () => {
    let database: TestDatabase;
    beforeAll(async () => {
      database = await startTestDatabase();
    }, testLimitMs);
    afterAll(async () => database[Symbol.asyncDispose](), testLimitMs);

    it.each(Object.entries(plans))(
      'has one machine, then none: the provider %s',
      { timeout: testLimitMs },
      async (_, plan) => {
        await using trial = await begin(database, await start(), plan);
        const { machine, timeoutMs = 20_000 } = trial.under;
        // Each fault costs a pause of a second or more.
        const patience = { timeout: timeoutMs + 30_000, interval: 50 };
        const spec = machineSpecSchema.parse({
          kind: 'machine',
          role: 'plain',
          image: machine.image,
          size: machine.size,
          zone: machine.zone,
          networks: machine.networkRefs.map((ref) => `ref:${ref}`),
        });
        const phase = async (): Promise<string> =>
          (await trial.engine.store.resource(id))?.status.phase ?? 'unknown';
        const inTruth = async (): Promise<number> => trial.under.count('machine');
        const before = await inTruth();

        await trial.engine.provisioning.create({ id, provider, spec }, by);
        await expect.poll(phase, patience).toBe('ready');
        await expect.poll(inTruth, patience).toBe(before + 1);
        const toReady = { ...trial.counts() };
        expect(toReady.creates).toBeLessThanOrEqual(1 + toReady.faults);

        await trial.engine.provisioning.act(id, { action: 'destroy' }, by);
        await expect.poll(phase, patience).toBe('absent');
        await expect.poll(inTruth, patience).toBe(before);
        expect(trial.counts().creates).toBe(toReady.creates);
      },
    );
  });
}

async function begin(
  database: TestDatabase,
  under: DriverUnderTest,
  plan: FaultPlan,
): Promise<
  AsyncDisposable & { readonly engine: RunningEngine; readonly under: DriverUnderTest; counts(): FaultCounts }
> {
  await using starting = new AsyncDisposableStack();
  starting.use(under);
  const dataDir = await mkdtemp(join(tmpdir(), 'medusa-engine-'));
  starting.defer(async () => rm(dataDir, { recursive: true, force: true }));
  const faulty = withFaults(await under.open(), plan, { random: randomOf(1), now: Date.now });
  const { traits } = faulty;
  const visibilityMs = Math.max(traits.visibilityMs, (plan.hiddenMs ?? 0) + (plan.staleMs ?? 0));
  const told = {
    ...traits,
    visibilityMs,
    idempotencyTokens: traits.idempotencyTokens && !plan.ignoredTokens,
  };
  // A provider whose tokens are ignored must not be trusted with them.
  const driver = new Proxy(faulty, {
    get: (target, key) => (key === 'traits' ? told : (Reflect.get(target, key) as unknown)),
  });
  const engine = starting.use(
    await startEngine(await database.create(`e${randomUUID().replaceAll('-', '')}`), {
      definitions: definitionOf(driver.kind, async () => driver),
      dataDir,
      rollCallMsOf: () => 500,
      sweep: { horizonMs: 2_000, cap: 10, isDryRun: false },
    }),
  );
  await engine.provisioning.putProvider(
    provider,
    { kind: driver.kind, title: 'Under test', settings: {}, isEnabled: true },
    by,
  );
  const running = starting.move();
  return {
    engine,
    under,
    counts: () => faulty.counts,
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

/** A linear congruential generator (Numerical Recipes): the same run each time. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
