import type { ServiceView } from '@medusa/protocol';
import type { Provisioning } from '../provision/index.ts';
import { lookAt } from './ask.ts';
import { reasonOf } from './progress.ts';
import { ownIdsOf, wishesOf, type ServiceRecord } from './record.ts';

/** As it is shown: what is stored, and what provisioning tells of its parts just now. */
export async function viewOf(
  provisioning: Pick<Provisioning, 'resource'>,
  record: ServiceRecord,
): Promise<ServiceView> {
  const asked = wishesOf(record).filter(({ id }) => record.parts[id]);
  const seen = await Promise.all(asked.map(async ({ id }) => lookAt(provisioning, id)));
  const views = new Map(seen.flatMap((view) => (view ? [[view.id, view]] : [])));
  const own = ownIdsOf(record);
  const { id, plan, provider, agreement, state, createdBy, steps, waitsFor } = record;
  return {
    ...{ id, provider, agreement, state, createdBy, steps: [...steps], manifest: plan.manifest },
    reason: reasonOf(state) || waitsFor,
    createdAt: new Date(record.createdAt).toISOString(),
    since: new Date(record.since).toISOString(),
    nodes: plan.nodes.map(({ node, manifest, isShared, wishes }) => ({
      ...{ node, manifest, isShared },
      resources: wishes.map(({ id: resource, spec: { kind } }) => {
        const view = views.get(resource);
        return {
          ...{ id: resource, kind, isShared: !own.has(resource) },
          ...{ phase: view?.phase ?? null, reason: view?.reason ?? '', addresses: view?.addresses ?? [] },
        };
      }),
    })),
  };
}
