import { z } from 'zod';
import { instantSchema, userIdSchema } from './ids.ts';

export const reservationIdSchema = z.uuid().brand<'ReservationId'>();
export type ReservationId = z.infer<typeof reservationIdSchema>;

/** Slots that are kept for somebody's sessions for a while. */
export const reservationSchema = z.object({
  id: reservationIdSchema,
  ownerId: userIdSchema,
  ownerName: z.string(),
  slots: z.int().min(1),
  startsAt: instantSchema,
  endsAt: instantSchema,
  note: z.string(),
});
export type Reservation = z.infer<typeof reservationSchema>;

export const reserveSchema = z.strictObject({
  slots: z.int().min(1).max(1_000).default(1),
  startsAt: instantSchema,
  endsAt: instantSchema,
  note: z.string().max(200).default(''),
});
export type Reserve = z.infer<typeof reserveSchema>;
