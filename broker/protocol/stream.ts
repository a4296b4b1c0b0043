import { z } from 'zod';
import { participantIdSchema, sessionIdSchema } from './ids.ts';
import { viewStateSchema } from './view.ts';

/** mediasoup's own objects pass through: mediasoup and mediasoup-client check them at either end. */
const opaqueSchema = z.record(z.string(), z.unknown());
const transportIdSchema = z.string().max(64);
/** The data channels of a viewer to the render node. */
export const producedLabelSchema = z.enum(['input.moves', 'input.events', 'frames.arrived', 'frames.taken']);

/** `weak`: the same picture smaller and less often, for a participant whose path carries less than the others' do. */
export const pictureLayerSchema = z.enum(['main', 'weak']);
export type PictureLayer = z.infer<typeof pictureLayerSchema>;

/** What a participant asks of the SFU on its render node. The broker relays it and looks at nothing but who asks. */
export const streamRequestSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('capabilities') }),
  z.object({
    kind: z.literal('create-transport'),
    direction: z.enum(['send', 'receive']),
    /** What the device's check found that its path carries. */
    pathKbps: z.int().min(1).max(1_000_000_000).optional(),
  }),
  z.object({
    kind: z.literal('connect-transport'),
    transportId: transportIdSchema,
    dtlsParameters: opaqueSchema,
  }),
  z.object({ kind: z.literal('restart-ice'), transportId: transportIdSchema }),
  /** The consumer is created paused; `resume` starts it with a keyframe. */
  z.object({ kind: z.literal('consume'), transportId: transportIdSchema, rtpCapabilities: opaqueSchema }),
  z.object({ kind: z.literal('resume'), consumerId: z.string().max(64) }),
  z.object({
    kind: z.literal('produce-data'),
    transportId: transportIdSchema,
    label: producedLabelSchema,
    sctpStreamParameters: opaqueSchema,
  }),
  z.object({
    kind: z.literal('consume-data'),
    transportId: transportIdSchema,
    /**
     * Unset: the display's events. Of stills and frames nothing comes before `resume`. Frames come in place of the video: who resumes the
     * one gives the other up.
     */
    label: z.enum(['display.events', 'still', 'frames']).optional(),
  }),
  /** The still that came is not the one that was sent: all of it once more. */
  z.object({ kind: z.literal('refine') }),
  z.object({ kind: z.literal('close') }),
]);
export type StreamRequest = z.infer<typeof streamRequestSchema>;

/** The answers, by `kind` of the request. */
export const streamResponseSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('capabilities'), routerRtpCapabilities: opaqueSchema }),
  z.object({
    kind: z.literal('create-transport'),
    id: z.string(),
    iceParameters: opaqueSchema,
    iceCandidates: z.array(opaqueSchema),
    dtlsParameters: opaqueSchema,
    sctpParameters: opaqueSchema,
  }),
  z.object({ kind: z.literal('connect-transport') }),
  z.object({ kind: z.literal('restart-ice'), iceParameters: opaqueSchema }),
  z.object({
    kind: z.literal('consume'),
    id: z.string(),
    producerId: z.string(),
    rtpParameters: opaqueSchema,
    layer: pictureLayerSchema.default('main'),
  }),
  z.object({ kind: z.literal('resume') }),
  z.object({ kind: z.literal('produce-data'), id: z.string() }),
  z.object({
    kind: z.literal('consume-data'),
    id: z.string(),
    dataProducerId: z.string(),
    sctpStreamParameters: opaqueSchema,
    label: z.string(),
    protocol: z.string(),
  }),
  z.object({ kind: z.literal('refine') }),
  z.object({ kind: z.literal('close') }),
]);
export type StreamResponse = z.infer<typeof streamResponseSchema>;

export const relayedStreamRequestSchema = z.object({
  sessionId: sessionIdSchema,
  participantId: participantIdSchema,
  request: streamRequestSchema,
});
export type RelayedStreamRequest = z.infer<typeof relayedStreamRequestSchema>;

/**
 * What a viewer says of its own path to the render node, which the broker does not see: asked for when the node's link is gone, and told
 * unasked when nothing comes any more. `view` is the last one the viewer was told; it counts from whoever holds the floor.
 */
export const pathReportSchema = z.strictObject({
  state: z.enum(['alive', 'doubtful', 'dead']),
  view: viewStateSchema.optional(),
});
export type PathReport = z.infer<typeof pathReportSchema>;

/** `kept`: the session stays as it is. `own-path`: the node answers, so what is broken lies between it and this viewer. */
export const pathAnswerSchema = z.object({ outcome: z.enum(['kept', 'own-path', 'recovering']) });
export type PathAnswer = z.infer<typeof pathAnswerSchema>;

/** JSON texts on the `display.events` data channel, render node → every participant. */
export const displayEventSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('size'),
    widthPx: z.int(),
    heightPx: z.int(),
    /** How large the application draws its interface; unset: 100. */
    scalePercent: z.int().optional(),
    /** Where the second of two screens side by side begins; unset: it is one screen. */
    seamPx: z.int().optional(),
  }),
  /** The display begins to change to this size: until `size` tells that it is done, frames show parts of it. */
  z.object({ kind: z.literal('resizing'), widthPx: z.int(), heightPx: z.int() }),
  /** Cursor shape, drawn by the browser itself. `png` is base64 without the data: prefix; empty = hidden. */
  z.object({ kind: z.literal('cursor'), png: z.string(), hotspotX: z.int(), hotspotY: z.int() }),
  /** The frame with this RTP timestamp is the first one grabbed after input `inputSequence` of `participantId` was injected. */
  z.object({
    kind: z.literal('frame'),
    rtpTimestamp: z.int(),
    inputSequence: z.int(),
    participantId: participantIdSchema,
    /** From injection to grab, and of each stage, in ms. */
    waitMs: z.number(),
    grabMs: z.number(),
    encodeMs: z.number(),
  }),
  z.object({
    kind: z.literal('statistics'),
    encoder: z.string(),
    codec: z.string(),
    targetKbps: z.number(),
    framesPerSecond: z.number(),
    sentKbps: z.number(),
  }),
  /** What became of the 256 grays between drawing and decoding of the video: how many are told apart, and the worst error in levels. */
  z.object({ kind: z.literal('grays'), levels: z.int(), worstError: z.int() }),
  z.object({ kind: z.literal('view'), view: viewStateSchema }),
  z.object({ kind: z.literal('controller'), participantId: participantIdSchema.nullable() }),
  /** Told to one participant: from now on it gets this layer, and has to consume anew on the transport that it has. */
  z.object({ kind: z.literal('layer'), layer: pictureLayerSchema }),
]);
export type DisplayEvent = z.infer<typeof displayEventSchema>;
