import { z } from 'zod';

export const deviceVerdictSchema = z.enum(['production', 'demo', 'refused']);
export type DeviceVerdict = z.infer<typeof deviceVerdictSchema>;

/** What the device check found; each item with what was measured and one sentence of help. */
export const deviceReportSchema = z.object({
  verdict: deviceVerdictSchema,
  checkedAt: z.string().max(40),
  /** Over the network from the broker to the device, Mb/s; null: the measurement failed. */
  throughputMbps: z.number().min(0).max(1_000_000).nullable().optional(),
  items: z
    .array(
      z.object({
        id: z.string().max(40),
        title: z.string().max(80),
        outcome: z.enum(['pass', 'warn', 'fail', 'skipped']),
        /** E.g. `H.264, VP9; 240 frames/s`. */
        measured: z.string().max(200),
        help: z.string().max(300),
      }),
    )
    .max(40),
});
export type DeviceReport = z.infer<typeof deviceReportSchema>;
