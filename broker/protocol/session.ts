import { z } from 'zod';
import { applicationSchema } from './application.ts';
import { deviceReportSchema } from './device.ts';
import { instantSchema, nodeIdSchema, sessionIdSchema, uidSchema, userIdSchema } from './ids.ts';

export const sessionStateSchema = z.enum([
  'requested',
  'queued',
  'placing',
  'provisioning',
  'starting',
  'streaming',
  'suspended',
  'closing',
  'closed',
  'failed',
]);
export type SessionState = z.infer<typeof sessionStateSchema>;

export const sessionModeSchema = z.enum(['streamed', 'local']);

/** How soon it must be seen (cf. DICOM Requested Procedure Priority, 0040,1003). */
export const sessionPrioritySchema = z.enum(['stat', 'high', 'routine']);
export type SessionPriority = z.infer<typeof sessionPrioritySchema>;

export const launchRequestSchema = z.strictObject({
  studyInstanceUID: uidSchema,
  applicationId: applicationSchema.shape.id.default('workstation'),
  mode: sessionModeSchema.default('streamed'),
  /** Size of the remote display in px. */
  widthPx: z.int().min(640).max(3840).default(1280),
  heightPx: z.int().min(480).max(2160).default(720),
  /** Absent: routine. */
  priority: sessionPrioritySchema.optional(),
  device: deviceReportSchema.optional(),
});
export type LaunchRequest = z.infer<typeof launchRequestSchema>;

/** How long inputs took until their pictures were on screen, as the viewer of one participant saw it. */
export const frameLatenciesSchema = z.strictObject({
  samples: z
    .array(
      z.strictObject({
        /** How long ago it was: clocks of clients differ. */
        agoMs: z.number().min(0).max(300_000),
        latencyMs: z.number().min(0).max(60_000),
      }),
    )
    .min(1)
    .max(30),
});
export type FrameLatency = z.infer<typeof frameLatenciesSchema>['samples'][number];

/** One summand of a node's score: what it was judged by, and how many of the points it got. */
export const placementTermSchema = z.object({
  term: z.enum(['firstImage', 'frame', 'freeSlots', 'idle', 'price', 'energy', 'opinion']),
  /** null: not known, which gives half of the points. */
  value: z.number().nullable(),
  unit: z.string(),
  points: z.number(),
  outOf: z.number(),
});
export type PlacementTerm = z.infer<typeof placementTermSchema>;

/** Why a node was chosen: kept with the session and shown to whoever asks. */
export const placementSchema = z.object({
  nodeId: nodeIdSchema,
  /** One sentence in plain words. */
  reason: z.string(),
  /** What was expected then, in ms: what is typical, and what was to be reckoned with. Absent in older sessions. */
  predicted: z
    .object({
      firstImageMs: z.number(),
      firstImageCautiousMs: z.number(),
      frameMs: z.number(),
      frameCautiousMs: z.number(),
      /** Whether the path from the study was measured, or assumed. */
      isMeasured: z.boolean(),
      pricePerHour: z.number().nullable(),
      /** Version of the table from which it was predicted. */
      calibration: z.string(),
    })
    .nullable()
    .default(null),
  /** Of an application that may run in two parts: whether it does, and why. `readerNodeId` null: it runs as a whole. */
  split: z
    .object({
      readerNodeId: nodeIdSchema.nullable(),
      reason: z.string(),
      /** Over the wide area, as it was expected of both ways; null: that way was not open. */
      wholeBytes: z.number().nullable(),
      splitBytes: z.number().nullable(),
    })
    .optional(),
  /** All nodes while they are few, else the best and some of those put aside. */
  considered: z.array(
    z.object({
      nodeId: nodeIdSchema,
      score: z.number().nullable(),
      note: z.string(),
      terms: z.array(placementTermSchema).default([]),
    }),
  ),
});
export type Placement = z.infer<typeof placementSchema>;

/** One bar of the start-up waterfall. Times are ms since the request reached the broker. */
export const sessionStepSchema = z.object({
  step: z.string().max(40),
  startMs: z.number(),
  endMs: z.number(),
});
export type SessionStep = z.infer<typeof sessionStepSchema>;

/** How a session got over the loss of its render node, the last time it had to. */
export const sessionRecoverySchema = z.object({
  /** How often in a row it had to be opened anew. */
  attempt: z.int().positive(),
  /** One sentence in plain words. */
  reason: z.string(),
  lostNodeId: nodeIdSchema.nullable(),
  lostAt: instantSchema,
  /** Null: it is being opened on another node. */
  recoveredAt: instantSchema.nullable(),
});
export type SessionRecovery = z.infer<typeof sessionRecoverySchema>;

export const sessionViewSchema = z.object({
  id: sessionIdSchema,
  state: sessionStateSchema,
  mode: sessionModeSchema,
  priority: sessionPrioritySchema.default('routine'),
  applicationId: z.string(),
  applicationName: z.string(),
  studyInstanceUID: uidSchema,
  /** For the heading, as the worklist had it. */
  studyTitle: z.string(),
  ownerId: userIdSchema,
  ownerName: z.string(),
  nodeId: nodeIdSchema.nullable(),
  placement: placementSchema.nullable(),
  queue: z.object({ position: z.int(), etaSeconds: z.number().nullable(), reason: z.string() }).nullable(),
  failure: z.object({ code: z.string(), detail: z.string() }).nullable(),
  /** Absent: it never lost its node. */
  recovery: sessionRecoverySchema.optional(),
  steps: z.array(sessionStepSchema),
  participants: z.int(),
  createdAt: instantSchema,
  streamingAt: instantSchema.nullable(),
  closedAt: instantSchema.nullable(),
  closeReason: z.string().nullable(),
});
export type SessionView = z.infer<typeof sessionViewSchema>;

/** The answer to a launch. In local mode the browser opens the study itself with `studyToken`. */
export const launchResponseSchema = z.object({
  session: sessionViewSchema,
  local: z.object({ studyToken: z.string(), expiresAt: instantSchema, dicomwebUrl: z.string() }).nullable(),
});
export type LaunchResponse = z.infer<typeof launchResponseSchema>;

export const invitationSchema = z.object({ code: z.string(), url: z.string(), expiresAt: instantSchema });
export type Invitation = z.infer<typeof invitationSchema>;
