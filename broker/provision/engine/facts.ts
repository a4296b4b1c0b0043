import type { ResourceKind } from '@medusa/protocol';
import type { Facts } from './decision.ts';
import { kindOf, type ResourceRecord } from './model.ts';

/** What the resources around one mean for it. Pure. */
export type Surroundings = Pick<Facts, 'waitsFor' | 'neededBy' | 'mustHold' | 'holder' | 'snapshotRef'>;

export function surroundings(record: ResourceRecord, related: readonly ResourceRecord[]): Surroundings {
  const byId = new Map<string, ResourceRecord>(related.map((other) => [other.id, other]));
  return {
    waitsFor: waitsFor(record, byId),
    neededBy: neededBy(record, related),
    mustHold: mustHold(record, byId),
    holder: holderFor(record, byId),
    snapshotRef: snapshotFor(record, byId),
  };
}

const isUsable = (other: ResourceRecord | undefined): other is ResourceRecord =>
  other?.status.phase === 'ready' && other.status.ref !== null;

function waitsFor(record: ResourceRecord, byId: ReadonlyMap<string, ResourceRecord>): string | null {
  const { spec } = record.wish;
  switch (spec.kind) {
    case 'machine': {
      const needed = [
        ...spec.networks.filter((name) => !name.startsWith('ref:')).map((id) => need('network', id)),
        ...spec.securityGroups.map((id) => need('security-group', id)),
        ...(byId.has(spec.image) ? [need('image', spec.image)] : []),
      ];
      const missing = needed.find(({ id }) => !isUsable(byId.get(id)));
      return missing ? `${missing.kind} ${missing.id}` : waitsForAttached(record, byId);
    }
    case 'volume':
      if (spec.source.kind === 'blank' || isUsable(byId.get(spec.source.resource))) return null;
      return `${spec.source.kind} ${spec.source.resource}`;
    case 'snapshot': {
      const volume = byId.get(spec.volume);
      return volume && volume.status.ref !== null ? null : `volume ${spec.volume}`;
    }
    case 'network':
    case 'address':
    case 'security-group':
    case 'image':
      return null;
  }
}

const need = (kind: ResourceKind, id: string): { kind: ResourceKind; id: string } => ({ kind, id });

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
  const standing = related.find((other) => {
    if (other.id === record.id || !isThere(other)) return false;
    const { spec } = other.wish;
    switch (spec.kind) {
      case 'machine':
        return spec.networks.includes(record.id) || spec.securityGroups.includes(record.id as never);
      case 'snapshot':
        return spec.volume === record.id;
      case 'volume':
        return kindOf(record) === 'machine' && other.status.seen?.holder === record.status.ref;
      case 'address':
      case 'network':
      case 'security-group':
      case 'image':
        return false;
    }
  });
  return standing ? `${kindOf(standing)} ${standing.id}` : null;
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
  if (spec.kind === 'volume') {
    if (spec.attachedTo === null || !isWanted) return null;
    const machine = byId.get(spec.attachedTo);
    if (!machine?.wish.isWanted) return null;
    const { seen, ref } = machine.status;
    const isUp = seen?.state === 'running' || seen?.state === 'stopped';
    return isUp && ref !== null ? { id: machine.id, ref } : undefined;
  }
  return spec.kind === 'address' ? chooseHolder(record, byId) : null;
}

/**
 * The first of its machines that is well. Where it once had to move it stays, as long as that machine is well: moving back would break
 * connections a second time.
 */
function chooseHolder(record: ResourceRecord, byId: ReadonlyMap<string, ResourceRecord>): Facts['holder'] {
  const { spec, revision } = record.wish;
  if (spec.kind !== 'address') return null;
  const order = [...(spec.assignedTo === null ? [] : [spec.assignedTo]), ...spec.failover];
  if (order.length === 0) return null;
  const well = order.flatMap((id) => {
    const machine = byId.get(id);
    const ref = machine?.status.ref ?? null;
    return machine && isWell(machine) && ref !== null ? [{ id, ref }] : [];
  });
  const hasMoved = record.status.movedAtRevision === revision;
  const present = hasMoved ? well.find(({ ref }) => ref === record.status.seen?.holder) : undefined;
  return present ?? well[0];
}

function isWell({ wish, status }: ResourceRecord): boolean {
  return wish.isWanted && !wish.isDraining && status.phase === 'ready';
}
function snapshotFor({ wish }: ResourceRecord, byId: ReadonlyMap<string, ResourceRecord>): string | null {
  const id = wish.ask?.action === 'revert' ? wish.ask.resource : null;
  const snapshot = id === null ? undefined : byId.get(id);
  return isUsable(snapshot) ? snapshot.status.ref : null;
}
