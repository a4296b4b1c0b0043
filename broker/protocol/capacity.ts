import { z } from 'zod';
import { instantSchema, uidSchema, userIdSchema } from './ids.ts';

export const reservationIdSchema = z.uuid().brand<'ReservationId'>();
export type ReservationId = z.infer<typeof reservationIdSchema>;

/** What makes a reservation an entry in the calendar of a room. */
const entrySchema = z.object({
  title: z.string().max(200).default(''),
  /** That is to be shown. */
  studyInstanceUID: uidSchema.nullable().default(null),
  /** Their names at login: they see it in their calendar. */
  invited: z.array(z.string().min(1).max(200)).max(50).default([]),
});

/** Slots that are kept for somebody's sessions for a while. */
export const reservationSchema = z.object({
  id: reservationIdSchema,
  ownerId: userIdSchema,
  ownerName: z.string(),
  slots: z.int().min(1),
  startsAt: instantSchema,
  endsAt: instantSchema,
  note: z.string(),
  ...entrySchema.shape,
});
export type Reservation = z.infer<typeof reservationSchema>;

export const reserveSchema = z.strictObject({
  slots: z.int().min(1).max(1_000).default(1),
  startsAt: instantSchema,
  endsAt: instantSchema,
  note: z.string().max(200).default(''),
  ...entrySchema.shape,
});
export type Reserve = z.infer<typeof reserveSchema>;

/** A question to the model: these arrivals, on so many nodes of that kind. */
export const whatIfRequestSchema = z.strictObject({
  arrivals: z.discriminatedUnion('kind', [
    /** What the sessions of the last days were. */
    z.strictObject({ kind: z.literal('recorded'), days: z.int().min(1).max(28).default(14) }),
    /** Independent requests at one rate, with exponentially distributed holding times. */
    z.strictObject({
      kind: z.literal('synthetic'),
      perHour: z.number().positive().max(1_000),
      meanHoldSeconds: z.number().positive().max(86_400),
      hours: z.int().min(1).max(336).default(168),
    }),
  ]),
  /** From the fewest to the most nodes that are tried. */
  nodes: z.strictObject({ from: z.int().min(1).max(1_000), to: z.int().min(1).max(1_000) }),
  slotsPerNode: z.int().min(1).max(64),
  bootSeconds: z.number().min(0).max(7_200).default(60),
  /** Mean time between failures of one node; null: none fails. */
  failureHours: z.number().positive().nullable().default(null),
  pricePerNodeHour: z.number().min(0).default(0),
  /** Who waits longer counts as a breach. */
  promiseSeconds: z.number().min(0).max(86_400).default(60),
  /** The share that may wait longer than promised when a number of nodes is suggested. */
  breachShare: z.number().min(0.0001).max(0.5).default(0.05),
  /** Of the schedule (IANA name). */
  timeZone: z.string().max(60).default('UTC'),
  /** Of the random numbers: the same question has the same answer. */
  seed: z.int().min(0).max(2_147_483_647).default(1),
});
export type WhatIfRequest = z.infer<typeof whatIfRequestSchema>;

/** What a replay came to. Waits in seconds, cost in the price's currency. */
export const replaySchema = z.object({
  /** The share of the requests that found no slot free. */
  delayed: z.number(),
  waitP50: z.number(),
  waitP95: z.number(),
  /** The share of the slots' time that was in use. */
  utilisation: z.number(),
  nodeHours: z.number(),
  cost: z.number(),
  /** Requests that waited longer than promised. */
  breaches: z.int(),
  /** Sessions that a failing node cut off. */
  interrupted: z.int(),
});
export type Replay = z.infer<typeof replaySchema>;

export const whatIfPointSchema = z.object({
  nodes: z.int(),
  slots: z.int(),
  /** By formula, at the mean load: the share that would be refused (Erlang B), or would wait (Erlang C), and their 95th percentile. */
  erlangB: z.number(),
  erlangC: z.number(),
  /** null: more load than slots, the queue grows without end. */
  erlangWaitP95: z.number().nullable(),
  replay: replaySchema,
});
export type WhatIfPoint = z.infer<typeof whatIfPointSchema>;

/** Windows of a week, as a pool's policy has them. */
export const weekScheduleSchema = z
  .array(
    z.strictObject({
      days: z.array(z.int().min(1).max(7)).min(1),
      from: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
      to: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
      min: z.int().min(0),
    }),
  )
  .max(200);

export const whatIfAnswerSchema = z.object({
  load: z.object({
    arrivals: z.int(),
    hours: z.number(),
    perHour: z.number(),
    meanHoldSeconds: z.number(),
    erlangs: z.number(),
    /** Of the busiest hour of the week. */
    peakErlangs: z.number(),
  }),
  points: z.array(whatIfPointSchema),
  /** The fewest of the tried nodes that keep the promise; null: none does. */
  suggestedNodes: z.int().nullable(),
  /** So many nodes at least at each hour of the week, and what a replay with them came to. */
  scheduled: z.object({
    min: z.int(),
    schedule: weekScheduleSchema,
    timeZone: z.string(),
    replay: replaySchema,
  }),
});
export type WhatIfAnswer = z.infer<typeof whatIfAnswerSchema>;

export const applyScheduleSchema = z.strictObject({
  min: z.int().min(0).max(10_000),
  schedule: weekScheduleSchema,
  timeZone: z.string().max(60),
});
