import type { ResourceId } from '@medusa/protocol';
import { sql, type Selectable } from 'kysely';
import type { Look, NodeFact } from '../provision/index.ts';
import type { Db } from './database.ts';
import { toIntent, toPool, toProvider, toRecord } from './provision-rows.ts';
import type { Database } from './schema.ts';

/** A row within a JSON document: instants are text there. */
type Told<Row> = { readonly [Name in keyof Row]: Row[Name] extends Date | null ? string | null : Row[Name] };
type Resource = Selectable<Database['resource']>;
type Intent = Selectable<Database['provision_intent']>;

type Row = Resource & {
  readonly its_provider: Selectable<Database['provider']>;
  readonly its_pool: Selectable<Database['pool']> | null;
  readonly related: readonly Told<Resource>[] | null;
  readonly intents: readonly Told<Intent>[] | null;
  readonly joined_at: Date | null;
  readonly seen_at: Date | null;
  readonly slots: number | null;
  readonly is_known: boolean;
  readonly live: number;
};

/** Everything that decisions about resources rest on, in one question: with a thousand nodes the questions are what it costs. */
export async function lookAt(db: Db, ids: readonly ResourceId[]): Promise<readonly (Look | undefined)[]> {
  const { rows } = await sql<Row>`
    select r.*, to_jsonb(p) as its_provider, to_jsonb(l) as its_pool,
      (select jsonb_agg(o order by o.id) from resource o
       where o.id in (select unnest(r.mentions) union all select m.id from resource m where m.mentions @> array[r.id])
         and o.phase <> 'absent') as related,
      (select jsonb_agg(i order by i.started_at) from provision_intent i
       where i.resource = r.id and (i.state = 'pending' or (i.state = 'unknown' and i.action = 'create'))) as intents,
      n.id is not null as is_known, n.joined_at, n.seen_at, n.slots,
      case when n.id is null then 0 else (select count(*)::int from session s
        where s.node_id = n.id and s.state not in ('closed', 'failed')) end as live
    from resource r join provider p on p.id = r.provider
      left join pool l on l.id = r.pool left join node n on n.id = r.id
    where r.id = any(${[...ids]}::text[])`.execute(db);
  const looks = new Map(rows.map((row) => [row.id, toLook(row)]));
  return ids.map((id) => looks.get(id));
}

function toLook(row: Row): Look {
  const { its_provider: provider, its_pool: pool, related, intents, ...own } = row;
  return {
    record: toRecord(own),
    provider: toProvider(provider),
    pool: pool === null ? undefined : toPool(pool),
    related: (related ?? []).map((told) =>
      toRecord({
        ...told,
        created_at: new Date(told.created_at ?? 0),
        changed_at: new Date(told.changed_at ?? 0),
      }),
    ),
    intents: (intents ?? []).map((told) =>
      toIntent({
        ...told,
        started_at: new Date(told.started_at ?? 0),
        ended_at: told.ended_at === null ? null : new Date(told.ended_at),
      }),
    ),
    node: own.is_known ? factOf(own) : undefined,
  };
}

type NodeColumns = Pick<Row, 'joined_at' | 'seen_at' | 'slots' | 'live'>;

/** Of a row of `node`, with the number of its sessions. */
export function factOf({ joined_at, seen_at, slots, live }: NodeColumns): NodeFact {
  return {
    joinedAt: joined_at?.getTime() ?? null,
    seenAt: seen_at?.getTime() ?? null,
    slots,
    liveSessions: live,
  };
}
