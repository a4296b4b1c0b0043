/** What the benchmarks use of the broker beside its programs. */
export { sql } from 'kysely';
export { sessionIdSchema } from '@medusa/protocol';
export { openOcci, type OcciDeps } from '../occi/index.ts';
export {
  createOcciStore,
  createProvisionStore,
  createSlotStore,
  createStudyStore,
  openDatabase,
  type Db,
} from '../persistence/index.ts';
export { assignTogether, planPlacement, type Candidate, type PlacementNeed } from '../placement/index.ts';
export { startSimulatedCloud, type SimulatedCloud } from '../provision/drivers/simulated/simulated-cloud.ts';
export type { ProvisionStore, Wish } from '../provision/index.ts';
export { nameOf, type Machine, type MachineRequest, type ProviderDriver } from '../provision/port/index.ts';
export { candidateOf, testGpu } from './placement-nodes.ts';
export { openSolver } from './solver.ts';
export { startOcciEdge } from './occi-edge.ts';
export { startTestDatabase, type TestDatabase } from './test-database.ts';
export { makeTestSecrets } from './test-secrets.ts';
