import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  machineSpecSchema,
  providerIdSchema,
  resourceIdSchema,
  type MachineSpec,
  type ResourceView,
} from '@medusa/protocol';
import pino from 'pino';
import {
  createGuestStore,
  createProvisionStore,
  createWorkStore,
  openDatabase,
  openPresence,
  type Db,
} from '../persistence/index.ts';
import { createSeal } from '../provision/credentials/index.ts';
import { driverDefinitions } from '../provision/drivers/index.ts';
import type { SimulatedCloud, startSimulatedCloud } from '../provision/drivers/simulated/simulated-cloud.ts';
import {
  openProvisioning,
  type ProvisioningOptions,
  type ProvisionStore,
  type ResourceRecord,
  type RunningProvisioning,
} from '../provision/index.ts';
import { plainStart, type GuestData } from '../provision/guest/index.ts';
import { ProviderError } from '../provision/port/index.ts';

export type TestEngine = AsyncDisposable & {
  readonly provisioning: RunningProvisioning;
  readonly store: ProvisionStore;
  readonly db: Db;
  /** What the nodes' registry was told. */
  readonly shown: readonly { readonly id: string; readonly phase: string; readonly lost: string | null }[];
  view(id: string): Promise<ResourceView>;
  /** A node of that name registers, or is heard, as of now. */
  nodeJoins(id: string, slots?: number): Promise<void>;
  setSessions(id: string, count: number): Promise<void>;
};

export const by = { actor: 'tester' };
export const cloudId = providerIdSchema.parse('cloud');

/** One broker's provisioning on a real database; several on one database are several brokers. */
export async function startTestEngine(
  databaseUrl: string,
  overrides: Partial<ProvisioningOptions> = {},
): Promise<TestEngine> {
  await using starting = new AsyncDisposableStack();
  const problems: unknown[] = [];
  const db = await openDatabase(databaseUrl, () => undefined);
  starting.defer(async () => db.destroy());
  const dataDir = await mkdtemp(join(tmpdir(), 'medusa-engine-'));
  starting.defer(async () => rm(dataDir, { recursive: true, force: true }));
  const store = createProvisionStore(db);
  const seal = createSeal(testProviderKey);
  const shown: { id: string; phase: string; lost: string | null }[] = [];
  const provisioning = starting.use(
    await openProvisioning({
      ...{ store, work: createWorkStore(db), definitions: driverDefinitions },
      openPresence: async (onNotice) => openPresence(databaseUrl, onNotice),
      seal,
      board: {
        show: ({ id, status }: ResourceRecord, lost) => void shown.push({ id, phase: status.phase, lost }),
      },
      guestOf: async ({ wish: { spec } }) =>
        plainStart(createGuestStore(db, seal), spec.kind === 'machine' ? spec.userData : undefined, {}),
      imageFile: async () => {
        throw new ProviderError('invalid', 'There are no images here');
      },
      dataDirOf: (id) => join(dataDir, id),
      limits: { joinMs: 5_000, bootMs: 20_000, hungMs: 1_500, drainSettleMs: 50 },
      sweep: { horizonMs: 400, cap: 10, isDryRun: false },
      rollCallMsOf: () => 200,
      log: pino({ level: 'silent' }),
      report: (error) => void problems.push(error),
      now: () => new Date(),
      random: Math.random,
      ...overrides,
    }),
  );
  const running = starting.move();
  return {
    ...{ provisioning, store, db, shown },
    view: async (id) => provisioning.resource(resourceIdSchema.parse(id)),
    async nodeJoins(id, slots = 1) {
      const facts = { joined_at: new Date(), seen_at: new Date(), slots };
      const document = JSON.stringify({ id });
      await db
        .insertInto('node')
        .values({ id, document, ...facts })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(facts))
        .execute();
      await provisioning.nodesChanged([id]);
    },
    async setSessions(id, count) {
      await db.deleteFrom('session').where('node_id', '=', id).execute();
      for (let n = 0; n < count; n += 1)
        await db
          .insertInto('session')
          .values({
            ...{
              id: `${id}-${n}-${randomBytes(4).toString('hex')}`,
              state: 'streaming',
              owner_id: 'someone',
            },
            ...{ node_id: id, study_instance_uid: '1.2.3', created_at: new Date() },
            document: JSON.stringify({ mode: 'streamed' }),
          })
          .execute();
      await provisioning.nodesChanged([id]);
      await provisioning.demandChanged();
    },
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

const testProviderKey = randomBytes(32).toString('base64url');

/** What users gave the machines of that engine. */
export function guestsOf({ db }: TestEngine): GuestData {
  return createGuestStore(db, createSeal(testProviderKey));
}

/** The simulated cloud as a provider of that engine. */
export async function addCloud(
  { provisioning }: TestEngine,
  { url, cloud: { settings } }: SimulatedCloud,
  id = cloudId,
): Promise<void> {
  const traits = {
    uniqueNames: settings.uniqueNames,
    idempotencyTokens: settings.honoursTokens,
    visibilityMs: settings.faults.invisibleMs,
    concurrency: 16,
  };
  await provisioning.putProvider(
    id,
    { kind: 'simulated', title: 'A cloud', settings: { url, ...traits }, isEnabled: true },
    by,
  );
}

export function machineOf(overrides: Partial<MachineSpec> = {}): MachineSpec {
  return machineSpecSchema.parse({
    ...{ kind: 'machine', role: 'plain', image: 'medusa', size: 'small' },
    ...overrides,
  });
}

/** Phases as anybody sees them; `unknown` for what never was. */
export async function phaseOf({ provisioning }: TestEngine, id: string): Promise<string> {
  const all = await provisioning.resources({ withAbsent: true });
  return all.find((one) => one.id === id)?.phase ?? 'unknown';
}

/** A simulated cloud that does not keep a test waiting. */
export const quickCloud = {
  bootMs: { median: 30, p95: 60 },
  readyMs: 20,
  destroyMs: 30,
  callMs: 1,
} satisfies Parameters<typeof startSimulatedCloud>[0];
