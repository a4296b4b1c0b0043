import { commitmentWorker, type CommitmentDeps } from './commitment.ts';
import { forwardWorker, type ForwardDeps } from './forward.ts';
import { priorsWorker, type PriorsDeps } from './priors.ts';
import { startRouting, type Routing, type RoutingDeps } from './routing.ts';

export function startWorkers(
  deps: Omit<RoutingDeps, 'workers'> & ForwardDeps & PriorsDeps & CommitmentDeps,
): Routing {
  const workers = {
    forward: forwardWorker(deps),
    priors: priorsWorker(deps),
    commitment: commitmentWorker(deps),
  };
  return startRouting({ ...deps, workers });
}
