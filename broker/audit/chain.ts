import { createHash } from 'node:crypto';
import type { AuditEvent } from '@medusa/protocol';

export type AuditEntry = Omit<AuditEvent, 'sequence' | 'hash'>;

/** What the first line of the trail takes for the hash before it. */
export const genesisHash = '0'.repeat(64);

/** Members in one fixed order, so that the same line always hashes alike (cf. RFC 8785). */
function canonicalJson(entry: AuditEntry): string {
  return JSON.stringify(Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** SHA-256 over the hash before and the line: to change one line, all later ones must change. */
export function chainHash(previousHash: string, entry: AuditEntry): string {
  return createHash('sha256').update(previousHash).update('\n').update(canonicalJson(entry)).digest('hex');
}

export type ChainVerdict =
  | { readonly kind: 'intact'; readonly lines: number; readonly lastHash: string }
  | { readonly kind: 'broken'; readonly sequence: number; readonly reason: string };

/** Reads the trail in order and recomputes every hash. */
export async function verifyChain(lines: AsyncIterable<AuditEvent>): Promise<ChainVerdict> {
  let previousHash = genesisHash;
  let previousSequence = 0;
  for await (const { sequence, hash, ...entry } of lines) {
    if (sequence !== previousSequence + 1)
      return { kind: 'broken', sequence, reason: 'a line is missing before it' };
    if (hash !== chainHash(previousHash, entry))
      return { kind: 'broken', sequence, reason: 'its hash does not fit' };
    previousHash = hash;
    previousSequence = sequence;
  }
  return { kind: 'intact', lines: previousSequence, lastHash: previousHash };
}
