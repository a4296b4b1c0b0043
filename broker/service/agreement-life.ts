import type { AgreementRecord } from '../agreement/index.ts';

/**
 * Where an agreement stands for those who would start something under it: `not-now` before it is observed and while it is suspended, `over`
 * when it has ended or expired (GFD.192, Agreement States and wsag:ExpirationTime; GFD.228, occi.agreement.state).
 */
export function lifeOf(
  { state, suspension, document }: Pick<AgreementRecord, 'state' | 'suspension' | 'document'>,
  now: number,
): 'not-now' | 'observed' | 'over' {
  const { expirationTime } = document.context;
  const isExpired = expirationTime !== undefined && Date.parse(expirationTime) <= now;
  if (isExpired || state === 'Rejected' || state === 'Complete' || state === 'Terminated') return 'over';
  const isObserved = state === 'Observed' || state === 'ObservedAndTerminating';
  return isObserved && suspension === 'none' ? 'observed' : 'not-now';
}
