export { admit, type Admission, type Applicant } from './admission.ts';
export type { ArrivalStore } from './arrivals.ts';
export { estimateWaitSeconds } from './estimate.ts';
export type { Known, Opening, WarmSlot } from './pre-warm.ts';
export {
  createPreWarming,
  type OutcomeCount,
  type PreWarming,
  type PreWarmStore,
  type Span,
} from './pre-warming.ts';
export { createReserving, type ReservationStore, type Reserving } from './reservations.ts';
export type { Offer, SlotStore } from './slot-store.ts';
export { answerWhatIf } from './what-if.ts';
