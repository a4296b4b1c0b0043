import {
  parseInput,
  reservationSchema,
  type Reservation,
  type ReservationId,
  type reserveSchema,
} from '@medusa/protocol';
import { z } from 'zod';
import type { Call } from './provision-api.ts';

/** As it is sent: what has a default may be left out. */
type ReserveInput = z.input<typeof reserveSchema>;

const reservationsSchema = z.object({ reservations: z.array(reservationSchema) });

/** Slots that are kept for somebody in advance. */
export class ReservationApi {
  readonly #call: (path: string, options: Call) => Promise<unknown>;

  constructor(call: (path: string, options: Call) => Promise<unknown>) {
    this.#call = call;
  }

  /** One's own that have not ended; an administrator gets all. */
  async list(signal?: AbortSignal): Promise<readonly Reservation[]> {
    return parseInput(reservationsSchema, await this.#call('/api/reservations', { signal })).reservations;
  }

  async reserve(body: ReserveInput): Promise<Reservation> {
    return parseInput(reservationSchema, await this.#call('/api/reservations', { method: 'POST', body }));
  }

  async cancel(id: ReservationId): Promise<void> {
    await this.#call(`/api/reservations/${id}`, { method: 'DELETE' });
  }
}
