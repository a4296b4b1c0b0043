import { AppError, serviceIdSchema } from '@medusa/protocol';
import { sql } from 'kysely';
import { ClaimLost } from '../provision/index.ts';
import type { ServiceRecord, ServiceStore } from '../service/index.ts';
import type { Db } from './database.ts';
import { claimedFrom, isFree, notify } from './provision-work.ts';

/** Whoever adds one looks at the others first: one at a time. */
const serviceLock = 0x6d_73_72_76;

export function createServiceStore(db: Db): ServiceStore {
  return {
    ...workOf(db),

    insert: async (record) =>
      db.transaction().execute(async (trx) => {
        await sql`select pg_advisory_xact_lock(${sql.lit(serviceLock)})`.execute(trx);
        if (await isTaken(trx, record)) return false;
        await trx.insertInto('service').values(columnsOf(record)).execute();
        await notify(trx, { kind: 'service' });
        return true;
      }),

    async list() {
      const rows = await db
        .selectFrom('service')
        .select('document')
        .orderBy('created_at', 'desc')
        .orderBy('id')
        .execute();
      return rows.map(({ document }) => document);
    },

    async find(id) {
      const row = await db.selectFrom('service').select('document').where('id', '=', id).executeTakeFirst();
      return row?.document;
    },

    change: async (id, change) =>
      db.transaction().execute(async (trx) => {
        const row = await trx
          .selectFrom('service')
          .select(['document', 'revision'])
          .where('id', '=', id)
          .forUpdate()
          .executeTakeFirst();
        if (!row) throw new AppError('service.unknown', 'There is no such service');
        const record = change(row.document);
        const next = {
          ...documentOf(record),
          revision: Number(row.revision) + 1,
          next_at: sql<Date>`clock_timestamp()`,
        };
        await trx.updateTable('service').set(next).where('id', '=', id).execute();
        await notify(trx, { kind: 'service' });
        return record;
      }),

    write: async (claim, change) =>
      db.transaction().execute(async (trx) => {
        const row = await trx
          .selectFrom('service')
          .select('document')
          .where('id', '=', claim.id)
          .where('claim_token', '=', claim.token)
          .forUpdate()
          .executeTakeFirst();
        if (!row) throw new ClaimLost(claim);
        const record = change(row.document);
        await trx.updateTable('service').set(documentOf(record)).where('id', '=', claim.id).execute();
        return record;
      }),

    async usedByOthers(id, resources) {
      const { rows } = await sql<{ resource: string }>`
        select distinct wanted.resource from unnest(${[...resources]}::text[]) wanted(resource)
        join service s on s.resources @> array[wanted.resource] and s.id <> ${id}
          and s.state not in ('error', 'absent')`.execute(db);
      return rows.map(({ resource }) => resource);
    },

    async servicesOf(machine) {
      const rows = await db
        .selectFrom('service')
        .select('id')
        .where(sql<boolean>`resources @> array[${machine}::text]`)
        .where('state', 'not in', ['error', 'absent'])
        .orderBy('id')
        .execute();
      return rows.map(({ id }) => serviceIdSchema.parse(id));
    },

    async guestEnvironment(machine) {
      const { rows } = await sql<{ environment: Record<string, string> | null }>`
        select document->'guests'->${machine}::text as environment from service
        where resources @> array[${machine}::text] and document->'guests' ? ${machine}::text
        order by created_at desc limit 1`.execute(db);
      return rows[0]?.environment ?? {};
    },
  };
}

/** Like other work of provisioning: a claim ends with its broker's presence, or with the lease. */
function workOf(db: Db): Pick<ServiceStore, 'claim' | 'release'> {
  return {
    async claim({ others }, { instance, leaseMs }) {
      const { rows } = await sql<{ id: string | null; token: string; kicks: string; ms: number | null }>`
        with mine as (
          select w.id from service w where w.next_at <= statement_timestamp() and ${isFree}
          order by w.next_at limit ${others} for update skip locked),
        claimed as (
          update service s set claimed_by = ${instance}, claim_token = nextval('provision_claim'),
            claim_until = clock_timestamp() + ${leaseMs} * interval '1 ms'
          from mine where s.id = mine.id
          returning s.id, s.claim_token::text as token, s.revision::text as kicks),
        next as (
          select (extract(epoch from min(next_at) - statement_timestamp()) * 1000)::float8 as ms
          from service where next_at > statement_timestamp())
        select claimed.*, next.ms from next left join claimed on true`.execute(db);
      return claimedFrom(rows.map((row) => ({ ...row, topic: 'service' as const, lane: 'services' })));
    },

    async release({ id, token, kicks }, againInMs) {
      await sql`
        update service set claimed_by = null, claim_token = null, claim_until = null,
          next_at = case when revision <> ${kicks} then clock_timestamp()
            else clock_timestamp() + ${againInMs}::float8 * interval '1 ms' end
        where id = ${id} and claim_token = ${token}`.execute(db);
    },
  };
}

async function isTaken(trx: Db, record: ServiceRecord): Promise<boolean> {
  const own = record.plan.release.flatMap(({ resources }) => resources);
  const { rows } = await sql`
    select 1 from service s where s.id = ${record.id}
      or (s.state not in ('error', 'absent') and s.resources && ${[...own]}::text[])
    limit 1`.execute(trx);
  return rows.length > 0;
}

function columnsOf(record: ServiceRecord) {
  return {
    id: record.id,
    resources: record.plan.nodes.flatMap(({ wishes }) => wishes.map(({ id }) => id as string)),
    created_at: new Date(record.createdAt),
    next_at: sql<Date>`clock_timestamp()`,
    ...documentOf(record),
  };
}

function documentOf(record: ServiceRecord): { state: string; document: string } {
  return { state: record.state.kind, document: JSON.stringify(record) };
}
