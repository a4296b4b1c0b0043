import { randomBytes } from 'node:crypto';
import type { Agreements } from './agreement/index.ts';
import type { Catalogue } from './manifest/index.ts';
import { createServiceStore, openPresence, type Db } from './persistence/index.ts';
import type { Provisioning } from './provision/index.ts';
import { openServices, type RunningServices } from './service/index.ts';

/** Services with the broker's own parts put in: the database, provisioning, the catalogue. */
export function startServices(deps: {
  readonly db: Db;
  readonly databaseUrl: string;
  readonly provisioning: Provisioning;
  readonly agreements: Agreements;
  readonly catalogue: Catalogue;
  readonly report: (error: unknown) => void;
}): RunningServices {
  const { db, databaseUrl, provisioning, agreements, catalogue, report } = deps;
  return openServices({
    ...{ provisioning, agreements, manifests: catalogue.manifests, tenant: 'medusa', report },
    store: createServiceStore(db),
    openPresence: async (onNotice) => openPresence(databaseUrl, onNotice),
    now: () => new Date(),
    random: Math.random,
    newMark: () => randomBytes(2).toString('hex'),
  });
}
