import { machineSpecSchema, providerIdSchema, resourceIdSchema, type ProviderKind } from '@medusa/protocol';
import {
  createProvisionStore,
  openDatabase,
  sql,
  type ProvisionStore,
  type Wish,
} from '@medusa/broker/support/bench';
import { waitFor } from '../../support/wait.ts';

const benchProvider = providerIdSchema.parse('bench');

/** The database of one experiment: states what is wanted, and keeps book of what the engines did. */
export type Ledger = AsyncDisposable & {
  readonly store: ProvisionStore;
  readonly owner: string;
  now(): Promise<Date>;
  want(id: string, machine: { image: string; size: string }): Promise<void>;
  unwant(id: string): Promise<void>;
  /** Waits until the resource is as wanted, with no call of unknown outcome. */
  settled(id: string, phase: 'ready' | 'absent', timeoutMs: number): Promise<void>;
  /**
   * How often engines looked at it since then, until the last call for it was accounted for: `loops`, and beside them `waits`, looks
   * while the outcome of a call had to be waited for.
   */
  looksSince(id: string, since: Date): Promise<{ loops: number; waits: number }>;
};

export async function openLedger(databaseUrl: string, kind: ProviderKind): Promise<Ledger> {
  const db = await openDatabase(databaseUrl, () => undefined);
  const store = createProvisionStore(db);
  await sql`create table bench_look (id text, phase text, at timestamptz)`.execute(db);
  await sql`create function bench_note() returns trigger language plpgsql as $$ begin
    if new.topic = 'resource' and new.claim_token is not null and new.claim_token is distinct from old.claim_token then
      insert into bench_look select new.id, r.phase, clock_timestamp() from resource r where r.id = new.id;
    end if;
    return new;
  end $$`.execute(db);
  await sql`create trigger bench_note after update on provision_work for each row execute function bench_note()`.execute(
    db,
  );
  await store.putProvider({ id: benchProvider, kind, title: 'Bench', settings: {}, isEnabled: true });
  return {
    store,
    owner: await store.owner(),
    async now() {
      const { rows } = await sql<{ at: Date }>`select clock_timestamp() as at`.execute(db);
      return rows[0]?.at ?? new Date();
    },
    async want(id, { image, size }) {
      const spec = machineSpecSchema.parse({ kind: 'machine', role: 'plain', image, size });
      const wish: Wish = {
        spec,
        isWanted: true,
        isDraining: false,
        isReleased: false,
        ask: null,
        revision: 1,
      };
      const resource = resourceIdSchema.parse(id);
      await store.insert([{ id: resource, provider: benchProvider, pool: null, wish }], () => ({
        kind: 'admin',
        outcome: 'ok',
        text: 'wanted',
        durationMs: null,
      }));
    },
    async unwant(id) {
      await store.changeWish(resourceIdSchema.parse(id), ({ wish }) => ({ ...wish, isWanted: false }));
    },
    async settled(id, phase, timeoutMs) {
      const key = resourceIdSchema.parse(id);
      await waitFor(
        `${id} to be ${phase}`,
        async () => {
          const record = await store.resource(key);
          const open = await store.openIntents({ resource: key });
          return record?.status.phase === phase && open.length === 0 ? true : undefined;
        },
        timeoutMs,
      );
    },
    async looksSince(id, since) {
      const { rows } = await sql<{ waiting: boolean; n: number }>`
        select phase = 'quarantined' as waiting, count(*)::int as n from bench_look
        where id = ${id} and at > ${since}
          and at <= greatest(${since}, (select max(ended_at) from provision_intent where resource = ${id}))
        group by 1`.execute(db);
      const of = (waiting: boolean): number => rows.find((row) => row.waiting === waiting)?.n ?? 0;
      return { loops: of(false), waits: of(true) };
    },
    [Symbol.asyncDispose]: async () => db.destroy(),
  };
}
