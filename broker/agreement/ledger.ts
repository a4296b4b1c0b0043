import { createHash } from 'node:crypto';
import type { LedgerEntry } from '@medusa/protocol';

/** An entry before it has its place in the ledger. */
export type NewLedgerEntry = Omit<LedgerEntry, 'sequence' | 'hash'>;

/** What the first entry takes for the hash before it. */
export const ledgerGenesis = '0'.repeat(64);

/** SHA-256 over the hash before and the entry, its members in one fixed order (cf. RFC 8785). */
export function ledgerHash(previousHash: string, entry: NewLedgerEntry): string {
  const canonical = JSON.stringify(
    Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  return createHash('sha256').update(previousHash).update('\n').update(canonical).digest('hex');
}

export type LedgerVerdict =
  | { readonly kind: 'intact'; readonly lines: number }
  | { readonly kind: 'broken'; readonly sequence: number; readonly reason: string };

/** Reads the ledger in order and recomputes every hash. */
export async function verifyLedger(entries: AsyncIterable<LedgerEntry>): Promise<LedgerVerdict> {
  let previousHash = ledgerGenesis;
  let lines = 0;
  for await (const { sequence, hash, ...entry } of entries) {
    if (sequence !== lines + 1) return { kind: 'broken', sequence, reason: 'an entry is missing before it' };
    if (hash !== ledgerHash(previousHash, entry))
      return { kind: 'broken', sequence, reason: 'its hash does not fit' };
    previousHash = hash;
    lines = sequence;
  }
  return { kind: 'intact', lines };
}

type Place = Pick<LedgerEntry, 'agreementId' | 'guarantee' | 'purpose' | 'windowFrom' | 'windowTo'>;
export type Owed = Pick<LedgerEntry, 'debtor' | 'amountMinor' | 'currency' | 'reason'>;

/**
 * What is to be written so that the ledger says what is owed for one window. What stands there is never changed: it is reversed, and
 * booked anew. Nothing to write when it says so already.
 * @param standing what is written for this window and purpose, in order.
 */
export function correct(
  place: Place & { readonly at: string },
  standing: readonly LedgerEntry[],
  owed: Owed | undefined,
): readonly NewLedgerEntry[] {
  const last = standing.at(-1);
  const booked = last?.kind === 'booking' ? last : undefined;
  if (isSame(booked, owed)) return [];
  const entries = [
    ...(booked ? [{ ...place, ...takenBack(booked), kind: 'reversal' as const }] : []),
    ...(owed ? [{ ...place, ...owed, kind: 'booking' as const, reverses: null }] : []),
  ];
  return entries.map((entry, index) => ({ ...entry, revision: standing.length + index }));
}

function isSame(booked: LedgerEntry | undefined, owed: Owed | undefined): boolean {
  const members = ['amountMinor', 'currency', 'debtor'] as const;
  return members.every((member) => booked?.[member] === owed?.[member]);
}

function takenBack({ debtor, amountMinor, currency, sequence }: LedgerEntry): Owed & { reverses: number } {
  const reason = 'Late events changed the assessment';
  return { debtor, amountMinor: (-BigInt(amountMinor)).toString(), currency, reason, reverses: sequence };
}

/** What one party owes the other in the end, by debtor and currency, in minor units. */
export function balance(entries: readonly LedgerEntry[]): ReadonlyMap<string, bigint> {
  const totals = new Map<string, bigint>();
  for (const { debtor, currency, amountMinor } of entries) {
    const key = `${debtor} ${currency}`;
    totals.set(key, (totals.get(key) ?? 0n) + BigInt(amountMinor));
  }
  return totals;
}
