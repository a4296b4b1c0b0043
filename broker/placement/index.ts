export { planPlacement, type Candidate } from './plan.ts';
