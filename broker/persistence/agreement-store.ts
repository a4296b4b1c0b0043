import {
  agreementAlertSchema,
  agreementTemplateSchema,
  agreementViewSchema,
  assessmentViewSchema,
  guaranteeStateSchema,
  offerViewSchema,
  type AgreementAlert,
  type AssessmentView,
} from '@medusa/protocol';
import { sql, type Selectable } from 'kysely';
import type {
  AgreementRecord,
  AgreementStore,
  ClaimedAgreement,
  IndicatorEvent,
} from '../agreement/index.ts';
import type { Db } from './database.ts';
import { appendToLedger, readLedger, toEntry } from './ledger-store.ts';
import type { Database } from './schema.ts';

const recordSchema = agreementViewSchema.omit({ occiState: true });
/** How long after its end an agreement is still looked at for events that come late. */
const lateDays = 45;

export function createAgreementStore(db: Db): AgreementStore {
  return {
    ...documents(db),
    ...records(db),
    ...outcomes(db),
    async claimed(id, work) {
      return db.transaction().execute(async (trx) => {
        const row = await trx
          .selectFrom('agreement')
          .select(['document', 'snapshot'])
          .where('id', '=', id)
          .forUpdate()
          .skipLocked()
          .executeTakeFirst();
        if (!row) return undefined;
        // Taken before any event is read: what commits later than this is news to the next evaluation, though this one may see it.
        const { rows } = await sql<{ now: string }>`select pg_current_snapshot()::text as now`.execute(trx);
        const snapshots = { last: row.snapshot ?? nothingSeen, now: rows[0]?.now ?? nothingSeen };
        return work(claimOf(trx, recordSchema.parse(row.document), snapshots));
      });
    },
  };
}

type Documents = Pick<
  AgreementStore,
  'putTemplate' | 'templates' | 'findTemplate' | 'insertOffer' | 'offers' | 'findOffer' | 'updateOffer'
>;

function documents(db: Db): Documents {
  return {
    async putTemplate(template) {
      const document = JSON.stringify(template);
      await db
        .insertInto('agreement_template')
        .values({ id: template.id, document })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ document }))
        .execute();
    },
    async templates() {
      const rows = await db.selectFrom('agreement_template').select('document').orderBy('id').execute();
      return rows.map(({ document }) => agreementTemplateSchema.parse(document));
    },
    async findTemplate(id) {
      const query = db.selectFrom('agreement_template').select('document').where('id', '=', id);
      const row = await query.executeTakeFirst();
      return row && agreementTemplateSchema.parse(row.document);
    },
    async insertOffer(offer) {
      const { id, createdAt } = offer;
      const values = { id, created_at: createdAt, document: JSON.stringify(offer) };
      await db.insertInto('agreement_offer').values(values).execute();
    },
    async offers() {
      const query = db
        .selectFrom('agreement_offer')
        .select('document')
        .orderBy('created_at', 'desc')
        .limit(500);
      return (await query.execute()).map(({ document }) => offerViewSchema.parse(document));
    },
    async findOffer(id) {
      const query = db.selectFrom('agreement_offer').select('document').where('id', '=', id);
      const row = await query.executeTakeFirst();
      return row && offerViewSchema.parse(row.document);
    },
    async updateOffer(id, change) {
      return db.transaction().execute(async (trx) => {
        const query = trx.selectFrom('agreement_offer').select('document').where('id', '=', id).forUpdate();
        const row = await query.executeTakeFirst();
        const changed = row && change(offerViewSchema.parse(row.document));
        const document = JSON.stringify(changed);
        if (changed)
          await trx.updateTable('agreement_offer').set({ document }).where('id', '=', id).execute();
        return changed;
      });
    },
  };
}

type Records = Pick<
  AgreementStore,
  'insert' | 'list' | 'find' | 'update' | 'updateBoth' | 'liveIds' | 'record' | 'findEvents' | 'eventsIn'
>;

function records(db: Db): Records {
  return {
    async insert(record) {
      const inserted = await db
        .insertInto('agreement')
        .values({ id: record.id, created_at: record.createdAt, ...columnsOf(record) })
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .executeTakeFirst();
      return inserted !== undefined;
    },
    async list() {
      const query = db.selectFrom('agreement').select('document').orderBy('created_at', 'desc').limit(1_000);
      return (await query.execute()).map(({ document }) => recordSchema.parse(document));
    },
    async find(id) {
      const row = await db.selectFrom('agreement').select('document').where('id', '=', id).executeTakeFirst();
      return row && recordSchema.parse(row.document);
    },
    async update(id, change) {
      return db.transaction().execute(async (trx) => {
        const query = trx.selectFrom('agreement').select('document').where('id', '=', id).forUpdate();
        const row = await query.executeTakeFirst();
        const changed = row && change(recordSchema.parse(row.document));
        if (changed)
          await trx.updateTable('agreement').set(columnsOf(changed)).where('id', '=', id).execute();
        return changed;
      });
    },
    async updateBoth(ids, change) {
      return db.transaction().execute(async (trx) => {
        // In one order, so that two who change the same agreements do not wait for each other for ever.
        const rows = await trx
          .selectFrom('agreement')
          .select(['id', 'document'])
          .where('id', 'in', [...ids])
          .orderBy('id')
          .forUpdate()
          .execute();
        const [first, second] = ids.map((id) => rows.find((row) => row.id === id));
        if (!first || !second) return undefined;
        const changed = change(recordSchema.parse(first.document), recordSchema.parse(second.document));
        for (const record of changed)
          await trx.updateTable('agreement').set(columnsOf(record)).where('id', '=', record.id).execute();
        return changed[0];
      });
    },
    async liveIds() {
      const { rows } = await sql<{ id: string }>`
        select id from agreement where state in ('Pending', 'PendingAndTerminating')
          or (observed_at is not null and (ended_at is null or ended_at > now() - make_interval(days => ${lateDays})))
        order by id`.execute(db);
      return rows.map(({ id }) => id);
    },
    async record(events) {
      if (events.length === 0) return 0;
      const rows = events.map(({ atMs, conditions, ...event }) => ({
        ...event,
        at_ms: atMs,
        conditions: JSON.stringify(conditions),
      }));
      const query = db
        .insertInto('indicator_event')
        .values(rows)
        .onConflict((conflict) => conflict.doNothing());
      return (await query.returning('id').execute()).length;
    },
    async findEvents(ids) {
      if (ids.length === 0) return [];
      const query = db
        .selectFrom('indicator_event')
        .selectAll()
        .where('id', '=', sql<string>`any(${[...ids]})`);
      return (await query.orderBy('at_ms').orderBy('id').execute()).map(toEvent);
    },
    eventsIn: async (query) => readEvents(db, query),
  };
}

async function readEvents(
  db: Db,
  { indicators, span }: Parameters<AgreementStore['eventsIn']>[0],
): Promise<readonly IndicatorEvent[]> {
  const rows = await db
    .selectFrom('indicator_event')
    .selectAll()
    .where('indicator', 'in', [...indicators])
    .where('at_ms', '>=', String(span.fromMs))
    .where('at_ms', '<', String(span.toMs))
    .orderBy('at_ms')
    .orderBy('id')
    .execute();
  return rows.map(toEvent);
}

type Outcomes = Pick<AgreementStore, 'assessments' | 'latestVerdicts' | 'ledger' | 'ledgerLines' | 'alerts'>;

function outcomes(db: Db): Outcomes {
  return {
    async assessments({ agreementId, span, limit }) {
      const rows = await db
        .selectFrom('guarantee_assessment')
        .selectAll()
        .where('agreement_id', '=', agreementId)
        .where('window_to', '>', isoOf(span.fromMs))
        .where('window_to', '<=', isoOf(span.toMs))
        .orderBy('window_from')
        .orderBy('guarantee')
        .limit(limit)
        .execute();
      return rows.map(toAssessment);
    },
    async latestVerdicts(ids) {
      if (ids.length === 0) return [];
      const rows = await db
        .selectFrom('guarantee_assessment')
        .distinctOn(['agreement_id', 'guarantee'])
        .select(['agreement_id', 'guarantee', 'state'])
        .where('agreement_id', '=', sql<string>`any(${[...ids]})`)
        .orderBy('agreement_id')
        .orderBy('guarantee')
        .orderBy('window_to', 'desc')
        .execute();
      return rows.map(({ agreement_id, guarantee, state }) => ({
        ...{ agreementId: agreement_id, guarantee, state: guaranteeStateSchema.parse(state) },
      }));
    },
    async ledger({ agreementId, span, limit }) {
      const rows = await db
        .selectFrom('agreement_ledger')
        .selectAll()
        .where('agreement_id', '=', agreementId)
        .where('window_to', '>', isoOf(span.fromMs))
        .where('window_to', '<=', isoOf(span.toMs))
        .orderBy('sequence')
        .limit(limit)
        .execute();
      return rows.map(toEntry);
    },
    ledgerLines: () => readLedger(db),
    async alerts({ agreementId, limit }) {
      const query = db.selectFrom('agreement_alert').selectAll().where('agreement_id', '=', agreementId);
      return (await query.orderBy('sequence', 'desc').limit(limit).execute()).map(toAlert);
    },
  };
}

/** As PostgreSQL writes them: which transactions were to be seen. */
type Snapshots = { readonly last: string; readonly now: string };
const nothingSeen = '1:1:';

/** Everything below happens in the transaction that holds the agreement's row. */
function claimOf(trx: Db, record: AgreementRecord, snapshots: Snapshots): ClaimedAgreement {
  return {
    record,
    // A row whose writer the last evaluation's snapshot does not show was not judged, though its writer may have begun before.
    async earliestNews(indicators) {
      if (indicators.length === 0) return undefined;
      const seen = snapshots.last;
      const { rows } = await sql<{ at_ms: string | null }>`
        select min(at_ms) as at_ms from indicator_event
        where written_by >= pg_snapshot_xmin(${seen}::pg_snapshot) and not pg_visible_in_snapshot(written_by, ${seen}::pg_snapshot)
          and indicator = any(${[...indicators]})`.execute(trx);
      const earliest = rows[0]?.at_ms ?? null;
      return earliest === null ? undefined : Number(earliest);
    },
    events: async (query) => readEvents(trx, query),
    saveAssessments: async (assessments) => saveAssessments(trx, assessments),
    async ledger({ fromMs, toMs }) {
      const rows = await trx
        .selectFrom('agreement_ledger')
        .selectAll()
        .where('agreement_id', '=', record.id)
        .where('window_from', '>=', isoOf(fromMs))
        .where('window_from', '<', isoOf(toMs))
        .orderBy('sequence')
        .execute();
      return rows.map(toEntry);
    },
    append: async (entries) => appendToLedger(trx, entries),
    async raise(alerts) {
      if (alerts.length === 0) return [];
      const rows = alerts.map(({ agreementId, windowFrom, ...alert }) => ({
        ...alert,
        agreement_id: agreementId,
        window_from: windowFrom,
      }));
      const query = trx
        .insertInto('agreement_alert')
        .values(rows)
        .onConflict((conflict) => conflict.doNothing());
      return (await query.returningAll().execute()).map(toAlert);
    },
    async save(changed) {
      await trx
        .updateTable('agreement')
        .set({ ...columnsOf(changed), snapshot: snapshots.now })
        .where('id', '=', changed.id)
        .execute();
    },
  };
}

async function saveAssessments(
  trx: Db,
  assessments: readonly Omit<AssessmentView, 'revision'>[],
): Promise<void> {
  for (const { agreementId, guarantee, windowFrom, windowTo, state, figures, eventIds } of assessments)
    await trx
      .insertInto('guarantee_assessment')
      .values({
        ...{
          agreement_id: agreementId,
          guarantee,
          window_from: windowFrom,
          window_to: windowTo,
          state,
          revision: 0,
        },
        figures: JSON.stringify(figures),
        event_ids: JSON.stringify(eventIds),
      })
      .onConflict((conflict) =>
        conflict.columns(['agreement_id', 'guarantee', 'window_from', 'window_to']).doUpdateSet((eb) => ({
          state: eb.ref('excluded.state'),
          figures: eb.ref('excluded.figures'),
          event_ids: eb.ref('excluded.event_ids'),
          revision: eb('guarantee_assessment.revision', '+', 1),
        }))
          .where(sql<boolean>`(guarantee_assessment.state, guarantee_assessment.figures, guarantee_assessment.event_ids)
            is distinct from (excluded.state, excluded.figures, excluded.event_ids)`),
      )
      .execute();
}

function columnsOf(record: AgreementRecord) {
  const { state, observedAt, endedAt } = record;
  return { state, observed_at: observedAt, ended_at: endedAt, document: JSON.stringify(record) };
}

function toEvent(row: Selectable<Database['indicator_event']>): IndicatorEvent {
  const { id, indicator, value, service, item, conditions } = row;
  return { id, indicator, value, service, item, conditions, atMs: Number(row.at_ms) };
}

function toAssessment(row: Selectable<Database['guarantee_assessment']>): AssessmentView {
  const { guarantee, state, figures, revision } = row;
  return assessmentViewSchema.parse({
    ...{ guarantee, state, figures, revision },
    agreementId: row.agreement_id,
    windowFrom: row.window_from,
    windowTo: row.window_to,
    eventIds: row.event_ids,
  });
}

function toAlert(row: Selectable<Database['agreement_alert']>): AgreementAlert {
  const { guarantee, kind, at, text } = row;
  return agreementAlertSchema.parse({
    ...{ guarantee, kind, at, text },
    agreementId: row.agreement_id,
    windowFrom: row.window_from,
  });
}

function isoOf(atMs: number): string {
  return new Date(atMs).toISOString();
}
