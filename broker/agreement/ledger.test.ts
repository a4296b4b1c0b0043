import type { LedgerEntry } from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { balance, correct, ledgerGenesis, ledgerHash, verifyLedger, type Owed } from './ledger.ts';

const place = {
  ...{ at: '2026-04-01T00:00:00.000Z', agreementId: 'a', guarantee: 'g', purpose: 'penalty' as const },
  ...{ windowFrom: '2026-03-01T00:00:00.000Z', windowTo: '2026-04-01T00:00:00.000Z' },
};

/** As a store does it: each entry with its place and the hash of the one before. */
function appended(entries: readonly LedgerEntry[], owed: Owed | undefined): readonly LedgerEntry[] {
  return correct(place, entries, owed).reduce<readonly LedgerEntry[]>((all, entry) => {
    const hash = ledgerHash(all.at(-1)?.hash ?? ledgerGenesis, entry);
    return [...all, { ...entry, sequence: all.length + 1, hash }];
  }, entries);
}

async function* each(entries: readonly LedgerEntry[]): AsyncIterable<LedgerEntry> {
  yield* entries;
}

const debtor = fc.constantFrom('ServiceProvider' as const, 'ServiceConsumer' as const);
const owed: fc.Arbitrary<Owed | undefined> = fc.option(
  fc.record({
    ...{ debtor, reason: fc.constant('r'), currency: fc.constantFrom('EUR', 'USD') },
    amountMinor: fc.integer({ min: 1, max: 3 }).map(String),
  }),
  { nil: undefined },
);

describe('correct', () => {
  it('leaves exactly what is owed last, however often that changed, in one intact chain', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(owed, { minLength: 1, maxLength: 12 }), async (claims) => {
        const entries = claims.reduce<readonly LedgerEntry[]>(appended, []);
        const last = claims.at(-1);
        const rest = [...balance(entries)].filter(([, minor]) => minor !== 0n);
        expect(rest).toEqual(last ? [[`${last.debtor} ${last.currency}`, BigInt(last.amountMinor)]] : []);
        expect(entries.map(({ revision }) => revision)).toEqual(entries.map((_, index) => index));
        expect(await verifyLedger(each(entries))).toEqual({ kind: 'intact', lines: entries.length });
        expect(appended(entries, last)).toEqual(entries);
      }),
    );
  });
});

describe('verifyLedger', () => {
  it('finds an entry that was changed, and one that is missing', async () => {
    const first = { debtor: 'ServiceProvider' as const, currency: 'EUR', reason: 'r', amountMinor: '5' };
    const entries = [first, undefined, { ...first, amountMinor: '7' }].reduce(appended, []);
    expect(entries).toHaveLength(3);
    const changed = entries.map((entry) => (entry.sequence === 2 ? { ...entry, amountMinor: '-1' } : entry));
    expect(await verifyLedger(each(changed))).toMatchObject({ kind: 'broken', sequence: 2 });
    const missing = entries.filter(({ sequence }) => sequence !== 2);
    expect(await verifyLedger(each(missing))).toMatchObject({ kind: 'broken', sequence: 3 });
  });
});
