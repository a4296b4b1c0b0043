import { randomBytes } from 'node:crypto';
import type { ProviderKind } from '@medusa/protocol';
import pino from 'pino';
import { z } from 'zod';
import { createProvisionStore, createWorkStore, openDatabase, openPresence } from '../persistence/index.ts';
import { createSeal } from '../provision/credentials/index.ts';
import {
  openProvisioning,
  type ProvisioningOptions,
  type ProvisionStore,
  type RunningProvisioning,
} from '../provision/index.ts';
import type { DriverDefinition, ProviderDriver } from '../provision/port/index.ts';

export type RunningEngine = AsyncDisposable & {
  readonly provisioning: RunningProvisioning;
  readonly store: ProvisionStore;
};

/** The engine with its database and nothing else of a broker: no nodes, no sessions. */
export async function startEngine(
  databaseUrl: string,
  {
    definitions,
    dataDir,
    ...overrides
  }: Pick<ProvisioningOptions, 'definitions'> &
    Partial<Pick<ProvisioningOptions, 'sweep' | 'rollCallMsOf' | 'report'>> & { readonly dataDir: string },
): Promise<RunningEngine> {
  await using starting = new AsyncDisposableStack();
  const db = await openDatabase(databaseUrl, () => undefined);
  starting.defer(async () => db.destroy());
  const store = createProvisionStore(db);
  const provisioning = starting.use(
    await openProvisioning({
      ...{ store, definitions },
      work: createWorkStore(db),
      openPresence: async (onNotice) => openPresence(databaseUrl, onNotice),
      seal: createSeal(randomBytes(32).toString('base64url')),
      board: { show: () => undefined },
      guestOf: async () => ({ environment: {}, userData: '#cloud-config\n' }),
      imageFile: async () => {
        throw new Error('No image is made here');
      },
      dataDirOf: () => dataDir,
      limits: { joinMs: 60_000, bootMs: 300_000, hungMs: 30_000, drainSettleMs: 0 },
      sweep: { horizonMs: 120_000, cap: 100, isDryRun: false },
      rollCallMsOf: () => 5_000,
      log: pino({ level: 'silent' }),
      report: () => undefined,
      now: () => new Date(),
      random: Math.random,
      ...overrides,
    }),
  );
  const running = starting.move();
  return { provisioning, store, [Symbol.asyncDispose]: async () => running.disposeAsync() };
}

/** A kind of provider whose driver is there already, whatever its settings. */
export function definitionOf(
  kind: ProviderKind,
  open: () => Promise<ProviderDriver>,
): ProvisioningOptions['definitions'] {
  const definition: DriverDefinition = {
    kind,
    title: kind,
    settingsSchema: z.unknown(),
    credentialsSchema: z.unknown(),
    open,
  };
  return { [kind]: async () => definition };
}
