import { randomUUID } from 'node:crypto';
import { createReserving, type ArrivalStore, type Reserving, type SlotStore } from './capacity/index.ts';
import type { NodeRegistry } from './node/index.ts';
import {
  createArrivalStore,
  createLinkStore,
  createProvisionStore,
  createReservationStore,
  createSlotStore,
  type Db,
} from './persistence/index.ts';
import { createLinkBook, type LinkBook } from './placement/index.ts';

export type AdmissionParts = {
  readonly slots: SlotStore;
  readonly links: LinkBook;
  readonly reserving: Reserving;
  readonly arrivals: ArrivalStore;
};

/** What placing sessions needs beside the nodes: who holds which slot, what the paths are like, what is reserved, what came. */
export function openAdmission({
  db,
  nodes,
  now,
}: {
  readonly db: Db;
  readonly nodes: NodeRegistry;
  readonly now: () => Date;
}): AdmissionParts {
  const provision = createProvisionStore(db);
  return {
    slots: createSlotStore(db),
    arrivals: createArrivalStore(db),
    links: createLinkBook({ store: createLinkStore(db), now }),
    reserving: createReserving({
      store: createReservationStore(db),
      now,
      newId: randomUUID,
      capacity: async () => {
        const there = nodes.views().filter(({ kind, state }) => kind === 'render' && state === 'ready');
        const slots = sum(there.map(({ capabilities }) => capabilities?.slots ?? 0));
        const pools = (await provision.pools()).filter(({ isWanted }) => isWanted);
        const most = pools.map(({ wanted: { policy, machine } }) => policy.max * (machine.slots ?? 1));
        return Math.max(slots, sum(most));
      },
    }),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
