export { burnHorizonMs, errorBudget, findBurnAlert, type BurnAlert } from './budget.ts';
export {
  assess,
  countedEvents,
  prepareGuarantee,
  settle,
  type Assessment,
  type Booking,
  type Guarantee,
} from './guarantee.ts';
export { indicators, type IndicatorEvent } from './indicators.ts';
export { leftOutOf } from './left-out.ts';
export { formatMinor } from './money.ts';
export { proportionOf, type Figure } from './objective.ts';
export { dueWindows, lengthMs, overlap, windowAt, type Span } from './windows.ts';
