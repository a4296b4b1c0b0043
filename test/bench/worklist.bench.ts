import { parseArgs } from 'node:util';
import {
  createStudyStore,
  type Db,
  openDatabase,
  sql,
  startTestDatabase,
} from '@medusa/broker/support/bench';
import { printResult, progress, quantile } from './report.ts';

/** The worklist's own queries, by the broker's code, on so many made-up studies of ten years in PostgreSQL. */
const { values: options } = parseArgs({
  options: { studies: { type: 'string', default: '1000000' }, queries: { type: 'string', default: '100' } },
});
const studies = Number(options.studies);
const queries = Number(options.queries);

type Search = Parameters<ReturnType<typeof createStudyStore>['search']>[0];

await using database = await startTestDatabase();
const db = await openDatabase(await database.create('worklist'), () => undefined);
await using cleanup = new AsyncDisposableStack();
cleanup.defer(async () => db.destroy());
progress(`writing ${studies} studies`);
await fill(db);
const store = createStudyStore(db);
const medians: Record<string, number> = {};
const results: Record<string, number> = {};
for (const [name, searchFor] of Object.entries(usualQueries())) {
  const times: number[] = [];
  let found = 0;
  for (let query = 0; query < queries; query += 1) {
    const startedAt = performance.now();
    const page = await store.search({ limit: 50, offset: 0, ...searchFor(query) });
    times.push(performance.now() - startedAt);
    found += page.total;
  }
  medians[`${name}.p50Ms`] = quantile(times, 0.5);
  medians[`${name}.p95Ms`] = quantile(times, 0.95);
  results[`${name}.found`] = found / queries;
  progress(`${name}: p95 ${quantile(times, 0.95).toFixed(1)} ms, ${Math.round(found / queries)} found`);
}
printResult({ bench: 'worklist', medians, ratios: {}, n: queries, results: { studies, ...results } });

/** What doctors ask: each time for another patient, day or number. */
function usualQueries(): Record<string, (query: number) => Partial<Search>> {
  const some = (query: number): number => (query * 7_919 + 13) % studies;
  const day = (query: number): string =>
    `20${String(16 + (query % 10)).padStart(2, '0')}06${15 + (query % 10)}`;
  return {
    newest: () => ({}),
    patientId: (query) => ({ text: `P${String(some(query)).padStart(7, '0')}` }),
    name: (query) => ({ text: `name${some(query) % 50_000} given${some(query) % 300}` }),
    namePart: (query) => ({ text: `name${some(query) % 50_000}` }),
    accession: (query) => ({ text: `ACC${some(query)}X` }),
    nothing: (query) => ({ text: `nobody${query}` }),
    dayAndModality: (query) => ({ dateFrom: day(query), dateTo: day(query), modality: 'MR' }),
    rareModality: () => ({ modality: 'SM' }),
    weekAndName: (query) => ({
      text: `given${query % 300}`,
      dateFrom: day(query).slice(0, 6) + '01',
      dateTo: day(query),
    }),
  };
}

async function fill(into: Db): Promise<void> {
  await sql`
    insert into study (study_instance_uid, node_id, index_id, search_text, study_date, study_time, modalities, last_received_at, summary)
    select uid, 'storage-1', 'bench', lower(concat_ws(E'\n', replace(name, '^', ' '), id, accession, 'CT of the chest')), day, time,
      array[modality], now(), json_build_object('studyInstanceUID', uid, 'patientName', name, 'patientID', id, 'patientBirthDate', '19600101',
        'patientSex', 'O', 'accessionNumber', accession, 'studyID', n::text, 'studyDate', day, 'studyTime', time,
        'studyDescription', 'CT of the chest', 'referringPhysicianName', '', 'modalitiesInStudy', array[modality],
        'numberOfStudyRelatedSeries', 3, 'numberOfStudyRelatedInstances', 300, 'firstReceivedAt', '2026-01-01T00:00:00.000Z',
        'lastReceivedAt', '2026-01-01T00:00:00.000Z', 'receivedFrom', 'PACS', 'change', n)
    from (select n, '1.2.826.0.1.3680043.10.999.' || n as uid, 'NAME' || (n % 50000) || '^GIVEN' || (n % 300) as name,
        'P' || lpad(n::text, 7, '0') as id, 'ACC' || n || 'X' as accession,
        to_char(date '2016-01-01' + (n % 3650), 'YYYYMMDD') as day, lpad(((n * 37) % 240000)::text, 6, '0') as time,
        case when n % 2000 = 0 then 'SM' else (array['CT', 'MR', 'CR', 'US'])[1 + n % 4] end as modality
      from generate_series(0, ${sql.lit(studies - 1)}) n) made`.execute(into);
  await sql`analyze study`.execute(into);
}
