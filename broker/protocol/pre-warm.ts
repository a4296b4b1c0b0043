import { z } from 'zod';
import { instantSchema } from './ids.ts';
import { poolIdSchema } from './provision.ts';

const warmSourceSchema = z.enum(['worklist', 'calendar']);
export type WarmSource = z.infer<typeof warmSourceSchema>;

/** What pre-warming came to, and what it is at. Shares are null where there is nothing to divide by. */
export const preWarmReportSchema = z.object({
  from: instantSchema,
  to: instantSchema,
  /** Hits, those that came too late, and misses. */
  settled: z.int(),
  /** Decisions whose slot was there when the session came. */
  hits: z.int(),
  /** The session came, and had to wait all the same. */
  late: z.int(),
  misses: z.int(),
  /** Hits among the settled. */
  hitRate: z.number().nullable(),
  /** Streamed sessions that were opened. */
  openings: z.int(),
  /** Hits among the openings. */
  coverage: z.number().nullable(),
  /** For how long slots were kept for nothing that would not have been there without. */
  missSlotMinutes: z.number(),
  bySource: z.array(
    z.object({
      source: warmSourceSchema,
      hits: z.int(),
      late: z.int(),
      misses: z.int(),
      missSlotMinutes: z.number(),
    }),
  ),
  /** Of equal length, in order. */
  buckets: z.array(
    z.object({ from: instantSchema, hits: z.int(), late: z.int(), misses: z.int(), unforeseen: z.int() }),
  ),
  /** Decisions that are believed now. */
  open: z.array(
    z.object({
      pool: poolIdSchema,
      source: warmSourceSchema,
      /** Of the calendar's entry; null: unread studies, or an entry that was given up. */
      title: z.string().nullable(),
      /** Any of so many studies. */
      studies: z.int(),
      decidedAt: instantSchema,
      untilAt: instantSchema,
      chance: z.number(),
      isExtra: z.boolean(),
    }),
  ),
  pools: z.array(
    z.object({
      id: poolIdSchema,
      /** How long its nodes take from order to ready (95th percentile). */
      leadSeconds: z.number(),
    }),
  ),
  /** Studies of the last weeks that the worklist's rates are learnt from, and how many of them were opened. */
  learnt: z.object({ studies: z.int(), opened: z.int() }),
});
export type PreWarmReport = z.infer<typeof preWarmReportSchema>;

export const preWarmQuerySchema = z.object({
  days: z.coerce
    .number()
    .refine((days): days is 1 | 7 | 30 => [1, 7, 30].includes(days), 'one of 1, 7, 30')
    .default(1),
});
