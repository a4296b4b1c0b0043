export { assignTogether, mostTogether } from './batch.ts';
export type { Candidate, PathEstimate, PlacementNeed, ZonePaths } from './candidate.ts';
export {
  brokerPlace,
  createLinkBook,
  sitePlace,
  userPlace,
  type LinkBook,
  type LinkRow,
  type LinkStore,
} from './link-book.ts';
export type { LinkRecord } from './links.ts';
export { explainChoice, planPlacement } from './plan.ts';
export { planWithSplit, type SplitNeed } from './split.ts';
