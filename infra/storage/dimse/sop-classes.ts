import { transferSyntaxOf } from '../dicom/transfer-syntax.ts';
import type { ContextResult, ProposedContext } from './associate.ts';

export const verification = '1.2.840.10008.1.1';

const dicomRoot = '1.2.840.10008.';
/** PS3.4 §B.5: the standard storage SOP classes lie under this root; the query and retrieve ones, for one, do not. */
const storageRoot = '1.2.840.10008.5.1.4.1.1.';
const storageElsewhere = new Set(['1.2.840.10008.5.1.4.34.7', '1.2.840.10008.5.1.4.34.10']);

/** Outside of DICOM's own root a SOP class is a vendor's, and what a vendor sends us it wants stored. */
function isStorage(abstractSyntax: string): boolean {
  if (!/^[0-9]+(\.[0-9]+)+$/.test(abstractSyntax) || abstractSyntax.length > 64) return false;
  if (!abstractSyntax.startsWith(dicomRoot)) return true;
  return abstractSyntax.startsWith(storageRoot) || storageElsewhere.has(abstractSyntax);
}

/** Takes the first transfer syntax of the proposer's that we know: the bytes are kept as they come. */
export function acceptContext({ id, abstractSyntax, transferSyntaxes }: ProposedContext): ContextResult {
  if (abstractSyntax !== verification && !isStorage(abstractSyntax))
    return { id, result: 'abstract-syntax-not-supported' };
  const transferSyntax = transferSyntaxes.find((uid) => transferSyntaxOf(uid) !== undefined);
  return transferSyntax === undefined
    ? { id, result: 'transfer-syntaxes-not-supported' }
    : { id, result: 'accepted', transferSyntax };
}
