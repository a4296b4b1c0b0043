import type { AccessLog } from './access/access-log.ts';
import { auditedService } from './access/dicom-access.ts';
import { commitmentService, type CommitmentDeps } from './routing/commitment.ts';
import type { Services } from './dimse/association.ts';
import { findService } from './dimse/find-scp.ts';
import { getService, moveService, type RetrieveDeps } from './dimse/retrieve-scp.ts';

type ServiceDeps = RetrieveDeps & CommitmentDeps & { readonly access: AccessLog; wake(): void };

export function createServices(deps: ServiceDeps): Services {
  return {
    find: auditedService('C-FIND', findService(deps), deps),
    move: auditedService('C-MOVE', moveService(deps), deps),
    get: auditedService('C-GET', getService(deps), deps),
    commitment: commitmentService(deps),
  };
}
