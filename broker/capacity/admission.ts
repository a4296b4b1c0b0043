import type { SessionPriority } from '@medusa/protocol';

/** A session that waits. Times in ms since the epoch. */
export type Applicant = {
  readonly id: string;
  readonly ownerId: string;
  readonly priority: SessionPriority;
  readonly requestedAtMs: number;
};

/** Slots kept for the sessions of one owner; half open in time. */
export type KeptSlots = {
  readonly ownerId: string;
  readonly slots: number;
  readonly fromMs: number;
  readonly toMs: number;
};

export type AdmissionFacts = {
  readonly nowMs: number;
  readonly totalSlots: number;
  readonly freeSlots: number;
  /** Sessions that hold a slot, by owner. */
  readonly heldBy: ReadonlyMap<string, number>;
  readonly reservations: readonly KeptSlots[];
  /** How long a session holds its slot: one that begins now would still be there so much later. */
  readonly typicalSeconds: number;
};

export type Admission<Who extends Applicant = Applicant> = {
  readonly applicant: Who;
} & (
  | { readonly kind: 'admitted' }
  | {
      readonly kind: 'waits';
      /** 1 = next. */
      readonly position: number;
      readonly reason: string;
      /** When its reason ends by itself, ms since the epoch; null: when a session ends. */
      readonly untilMs: number | null;
    }
);

/** For that long before a reservation begins, its slots are kept free, but no longer than a session typically lasts. */
const mostLeadMs = 15 * 60_000;
/** Who has waited so long moves up by one class: nobody starves below a stream of urgent ones. */
const agingMs = 20 * 60_000;

const classes: Readonly<Record<SessionPriority, number>> = { stat: 1, high: 2, routine: 3 };
const reservedClass = 0;

/**
 * In which order the waiting sessions get slots, and which of them may have one now. First whose owner has reserved, then by
 * priority, then who holds less than others, then who came first. What is kept for reservations is left free by all others; an
 * emergency may take what is only kept for later.
 */
export function admit<Who extends Applicant>(
  applicants: readonly Who[],
  facts: AdmissionFacts,
): Admission<Who>[] {
  const book = openBook(facts);
  const left = [...applicants];
  const admissions: Admission<Who>[] = [];
  let position = 0;
  while (left.length > 0) {
    const next = takeNext(left, book);
    const obstacle = book.obstacleOf(next);
    if (obstacle === null) admissions.push({ applicant: next, kind: 'admitted' });
    else {
      position += 1;
      admissions.push({ applicant: next, kind: 'waits', position, ...obstacle });
    }
    // Also who waits has had a turn: the queue's places go round among the owners.
    book.count(next, obstacle === null);
  }
  return admissions;
}

type Obstacle = { readonly reason: string; readonly untilMs: number | null };

/** The slots as this pass gives them away. */
type Book = {
  classOf(applicant: Applicant): number;
  heldBy(ownerId: string): number;
  obstacleOf(applicant: Applicant): Obstacle | null;
  count(applicant: Applicant, isAdmitted: boolean): void;
};

function openBook({ nowMs, typicalSeconds, totalSlots, ...facts }: AdmissionFacts): Book {
  const held = new Map(facts.heldBy);
  const turns = new Map(facts.heldBy);
  let free = facts.freeSlots;
  const leadMs = Math.min(mostLeadMs, typicalSeconds * 1_000);
  const near = facts.reservations.filter(({ fromMs, toMs }) => fromMs - leadMs <= nowMs && nowMs < toMs);
  const isOn = ({ fromMs }: KeptSlots): boolean => fromMs <= nowMs;
  /** What an owner holds is taken off all of his reservations together. */
  const unusedOf = (ownerId: string): number => {
    const on = near.filter((one) => one.ownerId === ownerId && isOn(one));
    return Math.max(0, sumOf(on) - (held.get(ownerId) ?? 0));
  };
  const keptFrom = ({ ownerId, priority }: Applicant): readonly KeptSlots[] =>
    near.filter(
      (one) => one.ownerId !== ownerId && (isOn(one) ? unusedOf(one.ownerId) > 0 : priority !== 'stat'),
    );
  const countKept = (kept: readonly KeptSlots[]): number => {
    const owners = new Set(kept.filter(isOn).map((one) => one.ownerId));
    const later = kept.filter((one) => !isOn(one));
    return [...owners].reduce((sum, ownerId) => sum + unusedOf(ownerId), sumOf(later));
  };
  return {
    classOf(applicant) {
      if (unusedOf(applicant.ownerId) > 0) return reservedClass;
      const steps = Math.floor(Math.max(0, nowMs - applicant.requestedAtMs) / agingMs);
      return Math.max(classes.stat, classes[applicant.priority] - steps);
    },
    heldBy: (ownerId) => turns.get(ownerId) ?? 0,
    obstacleOf(applicant) {
      if (free <= 0) return { reason: taken(totalSlots), untilMs: null };
      const kept = keptFrom(applicant);
      // Who has reserved himself takes from his own part.
      if (unusedOf(applicant.ownerId) > 0 || free > countKept(kept)) return null;
      return { reason: keptWords(free, kept, nowMs), untilMs: Math.min(...kept.map(({ toMs }) => toMs)) };
    },
    count({ ownerId }, isAdmitted) {
      turns.set(ownerId, (turns.get(ownerId) ?? 0) + 1);
      if (!isAdmitted) return;
      held.set(ownerId, (held.get(ownerId) ?? 0) + 1);
      free -= 1;
    },
  };
}

function sumOf(reservations: readonly KeptSlots[]): number {
  return reservations.reduce((sum, { slots }) => sum + slots, 0);
}

function takeNext<Who extends Applicant>(left: Who[], book: Book): Who {
  const [first, ...others] = left;
  if (!first) throw new RangeError('Nobody is left');
  const next = others.reduce((best, one) => (isBefore(one, best, book) ? one : best), first);
  left.splice(left.indexOf(next), 1);
  return next;
}

function isBefore(one: Applicant, other: Applicant, book: Book): boolean {
  const byClass = book.classOf(one) - book.classOf(other);
  if (byClass !== 0) return byClass < 0;
  const byShare = book.heldBy(one.ownerId) - book.heldBy(other.ownerId);
  if (byShare !== 0) return byShare < 0;
  if (one.requestedAtMs !== other.requestedAtMs) return one.requestedAtMs < other.requestedAtMs;
  return one.id < other.id;
}

function taken(totalSlots: number): string {
  return totalSlots === 0 ? 'No render node is ready yet' : `All ${totalSlots} slots are taken`;
}

function keptWords(free: number, kept: readonly KeptSlots[], nowMs: number): string {
  const later = kept.filter(({ fromMs }) => fromMs > nowMs).map(({ fromMs }) => fromMs);
  const slots = free === 1 ? 'The one free slot is' : `The ${free} free slots are`;
  if (later.length === 0) return `${slots} reserved by others`;
  const minutes = Math.max(1, Math.round((Math.min(...later) - nowMs) / 60_000));
  return `${slots} reserved by others; the next reservation begins in ${minutes} min`;
}
