export { admit, type Admission, type Applicant } from './admission.ts';
export type { ArrivalStore } from './arrivals.ts';
export { estimateWaitSeconds } from './estimate.ts';
export { createReserving, type ReservationStore, type Reserving } from './reservations.ts';
export type { Offer, SlotStore } from './slot-store.ts';
export { answerWhatIf } from './what-if.ts';
