import type { Instance, OcciBackend } from '../backend.ts';
import { snapshotKind } from '../model/index.ts';
import {
  adminOnly,
  attributesFrom,
  byOf,
  conditionOf,
  findWanted,
  messageOf,
  resourceIdOf,
  wantedOf,
  type ResourceDeps,
  type ViewOf,
} from './resources.ts';

/** Snapshots of volumes: a storage's action makes them. */
export function snapshotBackend(deps: Pick<ResourceDeps, 'provisioning'>): OcciBackend {
  return {
    ...{ kind: snapshotKind, access: adminOnly, actions: [], takesIds: false, linksAtBirth: [] },
    list: async () => (await wantedOf(deps, 'snapshot')).map(toInstance),
    async get(id) {
      const view = await findWanted(deps, 'snapshot', id);
      return view && toInstance(view);
    },
    async delete(id, by) {
      await deps.provisioning.act(resourceIdOf(id), { action: 'destroy' }, byOf(by));
    },
  };
}

const states = { serving: 'online', broken: 'error', 'under way': 'offline' } as const;

function toInstance(view: ViewOf<'snapshot'>): Instance {
  return {
    ...{ id: view.id, mixins: [], actions: [] },
    attributes: attributesFrom([
      ['occi.core.title', view.id],
      ['medusa.snapshot.storage', view.spec.volume],
      ['medusa.snapshot.state', states[conditionOf(view)]],
      ['medusa.snapshot.state.message', messageOf(view)],
    ]),
  };
}
