import { reservationSchema, type Reservation } from '@medusa/protocol';
import { sql } from 'kysely';
import type { ReservationStore } from '../capacity/index.ts';
import type { Db } from './database.ts';

/** Whoever adds one looks at the others first: one at a time. */
const reservationLock = 0x6d_72_73_76;

export function createReservationStore(db: Db): ReservationStore {
  return {
    open: async (at) => openAt(db, at),

    add: async (reservation, fits) =>
      db.transaction().execute(async (trx) => {
        await sql`select pg_advisory_xact_lock(${sql.lit(reservationLock)})`.execute(trx);
        const others = await openAt(trx, new Date(reservation.startsAt));
        if (!fits(others)) return false;
        const { id, ownerId, ownerName, slots, startsAt, endsAt, note } = reservation;
        const { title, studyInstanceUID, invited } = reservation;
        await trx
          .insertInto('reservation')
          .values({
            ...{ id, slots, note, owner_id: ownerId, owner_name: ownerName },
            ...{ starts_at: startsAt, ends_at: endsAt },
            ...{ title, study_instance_uid: studyInstanceUID, invited },
          })
          .execute();
        return true;
      }),

    async remove(id) {
      await db.deleteFrom('reservation').where('id', '=', id).execute();
    },
  };
}

async function openAt(db: Db, at: Date): Promise<Reservation[]> {
  const rows = await db
    .selectFrom('reservation')
    .selectAll()
    .where('ends_at', '>', at)
    .orderBy('starts_at')
    .orderBy('id')
    .execute();
  return rows.map((row) =>
    reservationSchema.parse({
      ...{ id: row.id, slots: row.slots, note: row.note, ownerId: row.owner_id, ownerName: row.owner_name },
      ...{ startsAt: row.starts_at.toISOString(), endsAt: row.ends_at.toISOString() },
      ...{ title: row.title, studyInstanceUID: row.study_instance_uid, invited: row.invited },
    }),
  );
}
