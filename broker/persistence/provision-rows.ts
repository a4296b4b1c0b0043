import {
  poolIdSchema,
  providerIdSchema,
  providerKindSchema,
  putPoolSchema,
  resourceIdSchema,
} from '@medusa/protocol';
import type { Selectable } from 'kysely';
import type { Intent, PoolRecord, ProviderRecord, ResourceRecord, Status } from '../provision/index.ts';
import type { Database } from './schema.ts';

export function toProvider(row: Selectable<Database['provider']>): ProviderRecord {
  const { id, kind, title, settings, credentials, is_enabled: isEnabled, revision, health } = row;
  return {
    id: providerIdSchema.parse(id),
    kind: providerKindSchema.parse(kind),
    ...{ title, settings, credentials, isEnabled, revision, health },
  };
}

export function toPool({
  id,
  wanted,
  is_wanted: isWanted,
  status,
}: Selectable<Database['pool']>): PoolRecord {
  return { id: poolIdSchema.parse(id), wanted: putPoolSchema.parse(wanted), isWanted, status };
}

type StatusColumns = Pick<Status, 'phase' | 'ref'> & { readonly status: string };

export function statusColumns(status: Status): StatusColumns {
  return { status: JSON.stringify(status), phase: status.phase, ref: status.ref };
}

export function toRecord(row: Selectable<Database['resource']>): ResourceRecord {
  const { id, provider, pool, wish, status, created_at: createdAt, changed_at: changedAt } = row;
  return {
    id: resourceIdSchema.parse(id),
    provider: providerIdSchema.parse(provider),
    pool: pool === null ? null : poolIdSchema.parse(pool),
    ...{ wish, status },
    createdAt: createdAt.getTime(),
    changedAt: changedAt.getTime(),
  };
}

export function toIntent(row: Selectable<Database['provision_intent']>): Intent {
  const { id, resource, provider, incarnation, action, name, state, started_at, ended_at } = row;
  return {
    id,
    resource: resourceIdSchema.parse(resource),
    provider: providerIdSchema.parse(provider),
    ...{ incarnation, name },
    action: action as Intent['action'],
    state: state as Intent['state'],
    startedAt: started_at.getTime(),
    endedAt: ended_at?.getTime() ?? null,
  };
}
