import { z } from 'zod';
import { emulatedLinkNames } from './links.ts';

/** What the relay's program is told. */
export const relayRequestSchema = z.object({
  link: z.enum(emulatedLinkNames),
  seed: z.int(),
  serverDevice: z.string().max(15),
  viewerDevice: z.string().max(15),
});
export type RelayRequest = z.infer<typeof relayRequestSchema>;

const countsSchema = z.object({
  carried: z.int(),
  lost: z.int(),
  noRoom: z.int(),
  /** Dropped where nothing was to be dropped. */
  overrun: z.int(),
});
/** Packets, and what it says last. */
export const relayReportSchema = z.object({ toViewer: countsSchema, toServer: countsSchema });
export type RelayReport = z.infer<typeof relayReportSchema>;
