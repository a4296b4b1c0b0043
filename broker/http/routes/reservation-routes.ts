import { reservationIdSchema, reservationSchema, reserveSchema } from '@medusa/protocol';
import { z } from 'zod';
import type { AuditTrail } from '../../audit/index.ts';
import type { Reserving } from '../../capacity/index.ts';
import { hasAnyRole } from '../../identity/index.ts';
import { route, type RouteDefinition } from '../route.ts';

const byId = z.object({ id: reservationIdSchema });

type ReservationRoutesDeps = { readonly reserving: Reserving; readonly audit: AuditTrail };

/** Slots that are kept for somebody: whoever may open studies reserves for himself, administrators see and cancel all. */
export function reservationRoutes({ reserving, audit }: ReservationRoutesDeps): RouteDefinition[] {
  return [
    route({
      method: 'get',
      path: '/api/reservations',
      summary:
        'Reservations that have not ended: one’s own and those one is invited to; an administrator sees all',
      access: ['radiologist', 'doctor', 'admin'],
      response: z.object({ reservations: z.array(reservationSchema) }),
      handle: async ({ caller: { user } }) => {
        const of = hasAnyRole(user, ['admin']) ? undefined : user;
        return { body: { reservations: [...(await reserving.list(of))] } };
      },
    }),
    route({
      method: 'post',
      path: '/api/reservations',
      summary:
        'Keep slots for one’s own sessions, in advance; with a title, a study and guests, an entry of the calendar',
      access: ['radiologist'],
      body: reserveSchema,
      response: reservationSchema,
      status: 201,
      handle: async ({ body, caller }) => {
        const reservation = await reserving.reserve(body, caller.user);
        await audit.record({
          action: 'reservation.changed',
          actor: caller.actor,
          objectType: 'reservation',
          objectId: reservation.id,
          detail: `${body.slots} slots from ${body.startsAt} to ${body.endsAt}`,
        });
        return { body: reservation, location: `/api/reservations/${reservation.id}` };
      },
    }),
    route({
      method: 'delete',
      path: '/api/reservations/:id',
      summary: 'Give a reservation up; for its owner and administrators',
      access: ['radiologist', 'admin'],
      params: byId,
      response: byId,
      handle: async ({ params: { id }, caller }) => {
        await reserving.cancel(id, hasAnyRole(caller.user, ['admin']) ? undefined : caller.user.id);
        await audit.record({
          action: 'reservation.changed',
          actor: caller.actor,
          objectType: 'reservation',
          objectId: id,
          detail: 'cancelled',
        });
        return { body: { id } };
      },
    }),
  ];
}
