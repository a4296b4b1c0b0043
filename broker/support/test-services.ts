import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServiceSchema, serviceIdSchema, type Manifest, type ServiceView } from '@medusa/protocol';
import type { z } from 'zod';
import { openAgreements, type Agreements } from '../agreement/index.ts';
import { createAgreementStore, createServiceStore, openPresence } from '../persistence/index.ts';
import type { Provisioning } from '../provision/index.ts';
import type { startSimulatedCloud } from '../provision/drivers/simulated/simulated-cloud.ts';
import { openServices, type RunningServices } from '../service/index.ts';
import { by, cloudId, quickCloud, type TestEngine } from './test-provisioning.ts';

/** An image archive in two tiers: a database, and the application that is told where it is. */
export const twoTier = readFileSync(
  join(import.meta.dirname, '../manifest/cords/examples/two-tier.xml'),
  'utf8',
);

/** A simulated cloud that has what the manifest needs: `tight` has no room for its larger machine. */
export function cloudForTwoTier({ tight = false } = {}): Parameters<typeof startSimulatedCloud>[0] {
  const size = { gpu: null, encoder: null, diskGiB: 2_048, architecture: 'x64' as const };
  return {
    ...quickCloud,
    images: [{ id: 'debian', name: 'debian', architecture: 'x64' }],
    sizes: [
      { ...size, id: 'small', name: 'small', cpus: 2, memoryMiB: 8_192 },
      { ...size, id: 'large', name: 'large', cpus: 8, memoryMiB: 32_768, ...(tight && { perZone: 0 }) },
    ],
  };
}

export type TestServices = AsyncDisposable & {
  readonly services: RunningServices;
  readonly agreements: Agreements;
  readonly problems: readonly unknown[];
  create(wanted?: Partial<z.input<typeof createServiceSchema>>): Promise<ServiceView>;
  view(id: string): Promise<ServiceView>;
};

/** One broker's services over its provisioning. */
export function startTestServices(
  { provisioning, db }: TestEngine,
  databaseUrl: string,
  options: {
    readonly manifests?: ReadonlyMap<string, Manifest>;
    /** In the place of the engine's: a broker that is killed at a certain point. */
    readonly provisioning?: Provisioning;
  } = {},
): TestServices {
  const problems: unknown[] = [];
  const report = (error: unknown): void => void problems.push(error);
  const now = (): Date => new Date();
  const agreements = openAgreements({
    ...{ store: createAgreementStore(db), now, report, newId: randomUUID },
  });
  const services = openServices({
    ...{ store: createServiceStore(db), tenant: 'radiology', now, report },
    provisioning: options.provisioning ?? provisioning,
    manifests: options.manifests ?? new Map<string, Manifest>(),
    agreements,
    openPresence: async (onNotice) => openPresence(databaseUrl, onNotice),
    ...{ random: Math.random, newMark: () => 'mark' },
  });
  return {
    ...{ services, agreements, problems },
    create: async (wanted) =>
      services.create(
        createServiceSchema.parse({ id: 'archive', provider: cloudId, manifest: twoTier, ...wanted }),
        by,
        AbortSignal.timeout(10_000),
      ),
    view: async (id) => services.get(serviceIdSchema.parse(id)),
    [Symbol.asyncDispose]: async () => services[Symbol.asyncDispose](),
  };
}
