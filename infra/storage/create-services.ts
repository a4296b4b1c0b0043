import { commitmentService, type CommitmentDeps } from './routing/commitment.ts';
import type { Services } from './dimse/association.ts';
import { findService } from './dimse/find-scp.ts';
import { getService, moveService, type RetrieveDeps } from './dimse/retrieve-scp.ts';

export function createServices(deps: RetrieveDeps & CommitmentDeps & { wake(): void }): Services {
  return {
    find: findService(deps),
    move: moveService(deps),
    get: getService(deps),
    commitment: commitmentService(deps),
  };
}
