import {
  AppError,
  reservationIdSchema,
  userIdSchema,
  type Reservation,
  type ReservationId,
  type Reserve,
} from '@medusa/protocol';

/** Where reservations are kept. */
export interface ReservationStore {
  /** Those that have not ended, by their beginning. */
  open(at: Date): Promise<readonly Reservation[]>;
  /** Adds it when `fits` says so about those that have not ended; one at a time over all brokers. */
  add(reservation: Reservation, fits: (others: readonly Reservation[]) => boolean): Promise<boolean>;
  remove(id: ReservationId): Promise<void>;
}

export type Reserving = {
  /** All that have not ended, or only those that somebody owns or is invited to. */
  list(of?: { readonly id: string; readonly username: string }): Promise<readonly Reservation[]>;
  /** Throws `request.invalid` for a time that is no time, `reservation.conflict` when so many slots are never there. */
  reserve(wanted: Reserve, owner: { readonly id: string; readonly name: string }): Promise<Reservation>;
  /** Throws `reservation.unknown`, also for one of somebody else. */
  cancel(id: ReservationId, ownerId?: string): Promise<void>;
};

const mostAheadMs = 60 * 86_400_000;
const mostMs = 24 * 3_600_000;

/** Reservations in advance: as many as there can be slots at once, whoever holds them. */
export function createReserving(deps: {
  readonly store: ReservationStore;
  /** As many slots as there are, or can be had. */
  readonly capacity: () => Promise<number>;
  readonly now: () => Date;
  readonly newId: () => string;
}): Reserving {
  const { store, capacity, now, newId } = deps;
  return {
    async list(of) {
      const open = await store.open(now());
      const isTheirs = (
        { ownerId, invited }: Reservation,
        { id, username }: NonNullable<typeof of>,
      ): boolean => ownerId === id || invited.some((name) => name.toLowerCase() === username.toLowerCase());
      return open.filter((one) => of === undefined || isTheirs(one, of));
    },

    async reserve(wanted, owner) {
      checkTimes(wanted, now().getTime());
      const slots = await capacity();
      const reservation: Reservation = {
        ...wanted,
        id: reservationIdSchema.parse(newId()),
        ownerId: userIdSchema.parse(owner.id),
        ownerName: owner.name,
      };
      if (await store.add(reservation, (others) => peakWith(reservation, others) <= slots))
        return reservation;
      throw new AppError(
        'reservation.conflict',
        `There are ${slots} slots, and too many of them are reserved`,
      );
    },

    async cancel(id, ownerId) {
      const open = await store.open(now());
      const known = open.find((one) => one.id === id && (ownerId === undefined || one.ownerId === ownerId));
      if (!known) throw new AppError('reservation.unknown', 'There is no such reservation');
      await store.remove(id);
    },
  };
}

function checkTimes({ startsAt, endsAt }: Reserve, nowMs: number): void {
  const [from, to] = [Date.parse(startsAt), Date.parse(endsAt)];
  const refuse = (pointer: string, message: string): never => {
    throw new AppError('request.invalid', message, { errors: [{ pointer, message }] });
  };
  if (to <= from) refuse('/endsAt', 'It ends before it begins');
  if (to <= nowMs) refuse('/endsAt', 'It is over already');
  if (to - from > mostMs) refuse('/endsAt', 'At most 24 hours');
  if (from - nowMs > mostAheadMs) refuse('/startsAt', 'At most 60 days ahead');
}

/** The most slots that are reserved at one moment of the new one: the sum only grows where one begins. */
function peakWith(added: Reservation, others: readonly Reservation[]): number {
  const all = [added, ...others];
  const [from, to] = [Date.parse(added.startsAt), Date.parse(added.endsAt)];
  const moments = all.map(({ startsAt }) => Math.max(from, Date.parse(startsAt))).filter((at) => at < to);
  const reservedAt = (at: number): number =>
    all
      .filter(({ startsAt, endsAt }) => Date.parse(startsAt) <= at && at < Date.parse(endsAt))
      .reduce((sum, { slots }) => sum + slots, 0);
  return Math.max(...moments.map(reservedAt));
}
