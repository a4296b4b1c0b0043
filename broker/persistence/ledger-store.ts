import { ledgerEntrySchema, type LedgerEntry } from '@medusa/protocol';
import { sql, type Selectable } from 'kysely';
import { ledgerGenesis, ledgerHash, type NewLedgerEntry } from '../agreement/index.ts';
import type { Db } from './database.ts';
import type { Database } from './schema.ts';

/** Any number of our own will do, as long as nothing else in the database takes it. */
const ledgerLock = 7_310_004;
const pageLines = 1_000;

/** Within the caller's transaction. One writer at a time until its end: each entry needs the hash of the one before it. */
export async function appendToLedger(trx: Db, entries: readonly NewLedgerEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await sql`select pg_advisory_xact_lock(${ledgerLock})`.execute(trx);
  const last = await trx
    .selectFrom('agreement_ledger')
    .select(['sequence', 'hash'])
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  let sequence = Number(last?.sequence ?? 0);
  let hash = last?.hash ?? ledgerGenesis;
  const rows = entries.map((entry) => {
    sequence += 1;
    hash = ledgerHash(hash, entry);
    const { at, guarantee, purpose, kind, reverses, revision, debtor, currency, reason } = entry;
    return {
      ...{ sequence, at, guarantee, purpose, kind, reverses, revision, debtor, currency, reason, hash },
      agreement_id: entry.agreementId,
      window_from: entry.windowFrom,
      window_to: entry.windowTo,
      amount_minor: entry.amountMinor,
    };
  });
  await trx.insertInto('agreement_ledger').values(rows).execute();
}

/** The whole ledger, in order. */
export async function* readLedger(db: Db): AsyncIterable<LedgerEntry> {
  for (let after = 0; ;) {
    const query = db.selectFrom('agreement_ledger').selectAll().where('sequence', '>', String(after));
    const rows = await query.orderBy('sequence').limit(pageLines).execute();
    if (rows.length === 0) return;
    for (const row of rows) yield toEntry(row);
    after = Number(rows.at(-1)?.sequence);
  }
}

export function toEntry(row: Selectable<Database['agreement_ledger']>): LedgerEntry {
  const { at, guarantee, purpose, kind, revision, debtor, currency, reason, hash } = row;
  return ledgerEntrySchema.parse({
    ...{ at, guarantee, purpose, kind, revision, debtor, currency, reason, hash },
    sequence: Number(row.sequence),
    agreementId: row.agreement_id,
    reverses: row.reverses === null ? null : Number(row.reverses),
    windowFrom: row.window_from,
    windowTo: row.window_to,
    amountMinor: row.amount_minor,
  });
}
