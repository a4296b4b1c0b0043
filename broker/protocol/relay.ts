import { z } from 'zod';
import { participantIdSchema } from './ids.ts';
import { problemSchema } from './problem.ts';
import { displayEventSchema } from './stream.ts';
import { transferRequestSchema, transferResponseSchema, transferRightsSchema } from './transfer.ts';

/** A transfer that one node asks of the other, by number. */
const transferNumberSchema = z.int().nonnegative();

/**
 * Between the two nodes of a session in two parts, over one TLS connection that the reader makes. Each frame: length of the rest
 * (32 bits, big endian), kind (8 bits; see `relayFrameKinds`), payload.
 */
export const relayFrameKinds = {
  /** Payload: one of the messages below as JSON, raw deflate (RFC 1951) with the latest 32 KiB of messages before it as dictionary. */
  message: 1,
  /** Payload: RTP timestamp (32 bits, big endian), then an H.264 access unit in Annex B form. */
  picture: 2,
} as const;

/** A frame is never longer: one picture, or a view state. */
export const mostRelayFrameBytes = 8_000_000;

/** Reader → viewer. */
export const readerMessageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('display'), event: displayEventSchema }),
  /** The application shows its first picture. */
  z.object({ kind: z.literal('shown') }),
  z.object({
    kind: z.literal('transferred'),
    number: transferNumberSchema,
    outcome: z.union([z.object({ response: transferResponseSchema }), z.object({ problem: problemSchema })]),
  }),
]);
export type ReaderMessage = z.infer<typeof readerMessageSchema>;

/** Viewer → reader. */
export const viewerMessageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('keyframe') }),
  z.object({ kind: z.literal('bitrate'), kbps: z.number().positive() }),
  /** `bytes`: one message of an input channel, base64. */
  z.object({ kind: z.literal('input'), participantId: participantIdSchema, bytes: z.base64().max(128) }),
  z.object({ kind: z.literal('controller'), participantId: participantIdSchema.nullable() }),
  z.object({
    kind: z.literal('transfer'),
    number: transferNumberSchema,
    participantId: participantIdSchema,
    rights: transferRightsSchema,
    request: transferRequestSchema,
  }),
  z.object({ kind: z.literal('gone'), participantId: participantIdSchema }),
  z.object({ kind: z.literal('watched'), connected: z.int().nonnegative() }),
]);
export type ViewerMessage = z.infer<typeof viewerMessageSchema>;
