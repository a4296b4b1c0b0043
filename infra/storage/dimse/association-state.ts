import { pduTypes } from './pdu.ts';

/**
 * The acceptor's side of the upper layer state machine (PS3.8 §9.2). Sta2 is `awaiting-association`, Sta6 `associated`;
 * Sta3 does not last here, as we answer at once. `ended` is Sta13: what we had to say is said, the connection closes.
 */
export type AssociationState = 'awaiting-association' | 'associated' | 'ended';
export type AssociationAction =
  'negotiate' | 'take-data' | 'answer-release' | 'end' | 'abort-unexpected' | 'ignore';

/** PS3.8 table 9-10 for the PDUs that a peer may send. */
export function actionFor(state: AssociationState, pduType: number): AssociationAction {
  if (state === 'ended') return 'ignore';
  if (pduType === pduTypes.abort) return 'end';
  if (state === 'awaiting-association')
    return pduType === pduTypes.associateRequest ? 'negotiate' : 'abort-unexpected';
  if (pduType === pduTypes.data) return 'take-data';
  return pduType === pduTypes.releaseRequest ? 'answer-release' : 'abort-unexpected';
}
