import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import {
  candidateOf,
  createSlotStore,
  openDatabase,
  planPlacement,
  sessionIdSchema,
  sql,
  startTestDatabase,
  type Candidate,
  type Db,
} from '@medusa/broker/support/bench';
import { z } from 'zod';
import { median, printResult, progress, quantile } from './report.ts';

/**
 * Sessions get their slots: planned by the broker's own code over all nodes and claimed in PostgreSQL, held for a while and given
 * back, by one broker process and by three. A trigger writes down every change of a slot; whether one was ever given twice is
 * found out from there, by a query that knows nothing of the brokers.
 */
const { values: options } = parseArgs({
  options: {
    worker: { type: 'boolean', default: false },
    name: { type: 'string', default: '' },
    url: { type: 'string', default: '' },
    seconds: { type: 'string', default: '8' },
    nodes: { type: 'string', default: '75' },
    slots: { type: 'string', default: '14' },
    /** Placements under way at once, over all brokers. */
    lanes: { type: 'string', default: '12' },
    brokers: { type: 'string', multiple: true, default: ['1', '3'] },
  },
});
const seconds = Number(options.seconds);
const slots = Number(options.slots);
const reportSchema = z.object({ times: z.array(z.number()), refused: z.int() });
type Report = z.infer<typeof reportSchema>;
/** So many sessions a lane holds at a time. */
const held = 12;
/** How many placements go by one look at the slots. */
const placementsPerLook = 10;

function fleet(): Candidate[] {
  return Array.from({ length: Number(options.nodes) }, (_, index) =>
    candidateOf(`node-${index}`, { slots, host: `10.0.0.${index}`, zone: `zone-${index % 5}` }),
  );
}

async function work(): Promise<Report> {
  const db = await openDatabase(options.url, () => undefined);
  const times: number[] = [];
  let refused = 0;
  const lanes = Array.from({ length: Number(options.lanes) }, async (_, lane) => {
    const store = createSlotStore(db);
    const holding: ReturnType<typeof sessionIdSchema.parse>[] = [];
    const endAt = performance.now() + seconds * 1_000;
    let candidates: Candidate[] = [];
    for (let number = 0; performance.now() < endAt; number += 1) {
      if (number % placementsPerLook === 0) {
        const used = await store.used();
        candidates = fleet().map((node) => ({ ...node, usedSlots: used.get(node.nodeId) ?? 0 }));
      }
      const id = sessionIdSchema.parse(`${options.name}-${lane}-${number}`);
      const startedAt = performance.now();
      const answer = planPlacement({ applicationId: 'workstation', storageHost: '10.0.0.1' }, candidates);
      const ranked = answer.kind === 'placed' ? answer.placement.considered : [];
      const offers = ranked.slice(0, 8).map(({ nodeId }) => ({ nodeId, slots }));
      if ((await store.claim(id, offers)) === undefined) {
        refused += 1;
        // What it knew of the nodes is old.
        number = placementsPerLook * Math.ceil((number + 1) / placementsPerLook) - 1;
        continue;
      }
      times.push(performance.now() - startedAt);
      holding.push(id);
      const oldest = holding.length > held ? holding.shift() : undefined;
      if (oldest) await store.release(oldest);
    }
  });
  await Promise.all(lanes);
  await db.destroy();
  return { times, refused };
}

async function startWorker(url: string, { name, lanes }: { name: string; lanes: number }): Promise<Report> {
  const passed = ['seconds', 'nodes', 'slots'] as const;
  const args = [...passed.flatMap((option) => [`--${option}`, options[option]]), '--lanes', String(lanes)];
  const child = spawn(
    process.execPath,
    [import.meta.filename, '--worker', '--url', url, '--name', name, ...args],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return reportSchema.parse(JSON.parse(said));
}

async function watchSlots(db: Db): Promise<void> {
  await sql`create table slot_log (
    sequence bigint generated always as identity primary key, node_id text, ordinal int, before text, after text)`.execute(
    db,
  );
  await sql`create function log_slot() returns trigger language plpgsql as $$ begin
    insert into slot_log (node_id, ordinal, before, after)
    values (new.node_id, new.ordinal, old.session_id, new.session_id); return new; end $$`.execute(db);
  await sql`create trigger slot_logged after update on slot for each row execute function log_slot()`.execute(
    db,
  );
}

/** Slots given away while they were held, and sessions that held two slots at once. */
async function countDoubled(db: Db): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select ((select count(*) from slot_log where before is not null and after is not null)
      + (select count(*) from (
          select sum(case when after is not null then 1 else -1 end) over (
            partition by coalesce(after, before) order by sequence) as slots
          from slot_log) running where slots > 1))::int as n`.execute(db);
  return rows[0]?.n ?? Number.NaN;
}

async function run(brokers: number, url: string): Promise<{ reports: Report[]; doubled: number }> {
  const db = await openDatabase(url, () => undefined);
  try {
    const store = createSlotStore(db);
    for (const { nodeId } of fleet()) await store.offer({ nodeId, slots });
    await watchSlots(db);
    const lanes = Math.ceil(Number(options.lanes) / brokers);
    const names = Array.from({ length: brokers }, (_, index) => `b${index}`);
    const reports = await Promise.all(names.map(async (name) => startWorker(url, { name, lanes })));
    return { reports, doubled: await countDoubled(db) };
  } finally {
    await db.destroy();
  }
}

async function measure(): Promise<void> {
  const medians: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  const results: Record<string, unknown> = {};
  let anyDoubled = 0;
  let n = 0;
  await using database = await startTestDatabase();
  for (const brokers of options.brokers.map(Number)) {
    const { reports, doubled } = await run(brokers, await database.create(`allocate_${brokers}`));
    const times = reports.flatMap((report) => report.times);
    const key = `brokers${brokers}`;
    medians[`${key}.allocationMs`] = median(times);
    medians[`${key}.allocationP99Ms`] = quantile(times, 0.99);
    ratios[`${key}.perSecond`] = times.length / seconds;
    const refused = reports.reduce((sum, report) => sum + report.refused, 0);
    results[key] = { allocations: times.length, refused, doubled };
    anyDoubled += doubled;
    n += times.length;
    progress(`${key}: ${Math.round(times.length / seconds)} allocations/s, ${doubled} doubled`);
  }
  const [one, three] = [ratios['brokers1.perSecond'], ratios['brokers3.perSecond']];
  if (one !== undefined && three !== undefined) ratios['threeToOne'] = three / one;
  printResult({ bench: 'allocate', medians, ratios, n, results });
  process.exitCode = anyDoubled === 0 ? 0 : 1;
}

if (options.worker) process.stdout.write(JSON.stringify(await work()));
else await measure();
