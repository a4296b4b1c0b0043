export { assignTogether } from './batch.ts';
export type { Candidate, PlacementNeed } from './candidate.ts';
export { planPlacement } from './plan.ts';
