import type { MachineSpec, ResourcePhase } from '@medusa/protocol';
import type { Facts } from './decision.ts';
import { byKind, kindOf, type ResourceRecord } from './model.ts';

/** What the resources around one mean for it. Pure. */
export type Surroundings = Pick<
  Facts,
  'waitsFor' | 'neededBy' | 'mustHold' | 'holder' | 'takers' | 'awaited' | 'snapshotRef'
>;

export function surroundings(record: ResourceRecord, related: readonly ResourceRecord[]): Surroundings {
  const byId = new Map<string, ResourceRecord>(related.map((other) => [other.id, other]));
  return {
    waitsFor: waitsFor(record, byId),
    neededBy: neededBy(record, related),
    mustHold: mustHold(record, byId),
    holder: holderFor(record, byId),
    ...takersFor(record, byId),
    snapshotRef: snapshotFor(record, byId),
  };
}

const isUsable = (other: ResourceRecord | undefined): other is ResourceRecord =>
  other?.status.phase === 'ready' && other.status.ref !== null;

function waitsFor(record: ResourceRecord, byId: ReadonlyMap<string, ResourceRecord>): string | null {
  const unless = (isThere: boolean, what: string): string | null => (isThere ? null : what);
  return byKind<string | null>(
    {
      machine: (spec) => missingFor(spec, byId) ?? waitsForAttached(record, byId),
      volume: ({ source }) =>
        source.kind === 'blank'
          ? null
          : unless(isUsable(byId.get(source.resource)), `${source.kind} ${source.resource}`),
      snapshot: ({ volume }) => unless(byId.get(volume)?.status.ref != null, `volume ${volume}`),
      network: () => null,
      address: () => null,
      'security-group': () => null,
      image: () => null,
    },
    record.wish.spec,
  );
}

/** An image that is no resource of ours is the provider's own. */
function missingFor(spec: MachineSpec, byId: ReadonlyMap<string, ResourceRecord>): string | null {
  const needed = [
    ...spec.networks.filter((name) => !name.startsWith('ref:')).map((id) => ({ kind: 'network', id })),
    ...spec.securityGroups.map((id) => ({ kind: 'security-group', id })),
    ...(byId.get(spec.image)?.wish.spec.kind === 'image' ? [{ kind: 'image', id: spec.image }] : []),
  ];
  const missing = needed.find(({ id }) => !isUsable(byId.get(id)));
  return missing ? `${missing.kind} ${missing.id}` : null;
}

/** The volumes and the address that it shall have are made first: a machine that cannot have them is not made. */
function waitsForAttached({ id }: ResourceRecord, byId: ReadonlyMap<string, ResourceRecord>): string | null {
  for (const other of byId.values()) {
    const { spec, isWanted } = other.wish;
    const isFor =
      (spec.kind === 'volume' && spec.attachedTo === id) ||
      (spec.kind === 'address' && spec.assignedTo === id);
    if (isFor && isWanted && other.status.ref === null) return `${spec.kind} ${other.id}`;
  }
  return null;
}

/** What must go, or let go, before it can go. */
function neededBy(record: ResourceRecord, related: readonly ResourceRecord[]): string | null {
  const standing = related.find((other) => isThere(other) && standsOn(other, record));
  return standing ? `${kindOf(standing)} ${standing.id}` : null;
}

function standsOn({ wish, status }: ResourceRecord, record: ResourceRecord): boolean {
  const none = (): boolean => false;
  return byKind<boolean>(
    {
      machine: ({ networks, securityGroups }) => [...networks, ...securityGroups].includes(record.id),
      snapshot: ({ volume }) => volume === record.id,
      // An attached volume lets go of the machine first.
      volume: () => kindOf(record) === 'machine' && status.seen?.holder === record.status.ref,
      address: none,
      network: none,
      'security-group': none,
      image: none,
    },
    wish.spec,
  );
}

const isThere = ({ status }: ResourceRecord): boolean =>
  status.ref !== null || status.phase === 'quarantined';

function mustHold({ wish }: ResourceRecord, byId: ReadonlyMap<string, ResourceRecord>): boolean {
  const { spec, isReleased } = wish;
  if (isReleased) return false;
  if (spec.kind === 'volume') return spec.holdsPatientData;
  if (spec.kind !== 'snapshot') return false;
  const volume = byId.get(spec.volume)?.wish.spec;
  return volume?.kind !== 'volume' || volume.holdsPatientData;
}

function holderFor(record: ResourceRecord, byId: ReadonlyMap<string, ResourceRecord>): Facts['holder'] {
  const { spec, isWanted } = record.wish;
  if (spec.kind !== 'volume' || spec.attachedTo === null || !isWanted) return null;
  const machine = byId.get(spec.attachedTo);
  return machine?.wish.isWanted ? upAndKnown(machine) : null;
}

function upAndKnown({ id, status: { seen, ref } }: ResourceRecord): Facts['holder'] {
  const isUp = seen?.state === 'running' || seen?.state === 'stopped';
  return isUp && ref !== null ? { id, ref } : undefined;
}

function takersFor(
  { wish: { spec } }: ResourceRecord,
  byId: ReadonlyMap<string, ResourceRecord>,
): Pick<Facts, 'takers' | 'awaited'> {
  if (spec.kind !== 'address') return { takers: null, awaited: null };
  const first = spec.assignedTo;
  const order = [...(first === null ? [] : [first]), ...spec.failover];
  if (order.length === 0) return { takers: null, awaited: null };
  const takers = order.flatMap((id) => {
    const machine = byId.get(id);
    const ref = machine?.status.ref ?? null;
    return machine && isWell(machine) && ref !== null ? [{ id, ref }] : [];
  });
  const isAwaited = first !== null && isComingUp(byId.get(first));
  return { takers, awaited: isAwaited ? first : null };
}

const comingUp: readonly ResourcePhase[] = ['planned', 'creating', 'joining', 'quarantined'];

/** For the first time: a machine that is being replaced has failed. */
function isComingUp(machine: ResourceRecord | undefined): boolean {
  return (
    machine !== undefined &&
    machine.wish.isWanted &&
    machine.status.crashes === 0 &&
    comingUp.includes(machine.status.phase)
  );
}

function isWell({ wish, status }: ResourceRecord): boolean {
  return wish.isWanted && !wish.isDraining && status.phase === 'ready';
}

function snapshotFor({ wish }: ResourceRecord, byId: ReadonlyMap<string, ResourceRecord>): string | null {
  const id = wish.ask?.action === 'revert' ? wish.ask.resource : null;
  const snapshot = id === null ? undefined : byId.get(id);
  return isUsable(snapshot) ? snapshot.status.ref : null;
}
