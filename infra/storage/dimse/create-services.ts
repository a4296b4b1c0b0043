import type { Services } from './association.ts';
import { findService } from './find-scp.ts';
import { getService, moveService, type RetrieveDeps } from './retrieve-scp.ts';

export function createServices(deps: RetrieveDeps): Services {
  return { find: findService(deps), move: moveService(deps), get: getService(deps) };
}
