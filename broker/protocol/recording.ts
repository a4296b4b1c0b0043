import { z } from 'zod';
import {
  instantSchema,
  nodeIdSchema,
  participantIdSchema,
  sessionIdSchema,
  uidSchema,
  userIdSchema,
  roleSchema,
} from './ids.ts';

export const recordingIdSchema = z.uuid().brand<'RecordingId'>();
export type RecordingId = z.infer<typeof recordingIdSchema>;

/**
 * A recording as the room around its session sees it. `asked`: some have not agreed yet; `starting`: all who are present have; `on`: the
 * picture is being recorded. Who comes later, or comes back, agrees before there is a picture.
 */
export const roomRecordingSchema = z.object({
  id: recordingIdSchema,
  phase: z.enum(['asked', 'starting', 'on']),
  askedBy: participantIdSchema,
  askedByName: z.string(),
  askedAt: instantSchema,
  startedAt: instantSchema.nullable(),
  agreed: z.array(participantIdSchema),
});
export type RoomRecording = z.infer<typeof roomRecordingSchema>;

/**
 * Why a recording ended or did not come about. `asker-left`: who asked for it is gone; `limit`: it is as long or large as one may be;
 * `failed`: the render node could not, or is gone.
 */
export const recordingEndSchema = z.enum([
  'declined',
  'withdrawn',
  'expired',
  'stopped',
  'asker-left',
  'session-ended',
  'limit',
  'failed',
]);
export type RecordingEnd = z.infer<typeof recordingEndSchema>;

/** The last recording of a room that ended, for everybody to be told; `by`: whose doing it was. */
export const endedRecordingSchema = z.object({
  id: recordingIdSchema,
  reason: recordingEndSchema,
  by: z.string().nullable(),
  wasOn: z.boolean(),
});
export type EndedRecording = z.infer<typeof endedRecordingSchema>;

/** Broker → the node that shows the session's picture. Idempotent on `recordingId`. */
export const startRecordingSchema = z.object({
  recordingId: recordingIdSchema,
  sessionId: sessionIdSchema,
  /** After its end; then the node deletes it by itself. */
  keepSeconds: z.int().positive(),
});
export type StartRecording = z.infer<typeof startRecordingSchema>;

export const stopRecordingSchema = z.object({ recordingId: recordingIdSchema, reason: recordingEndSchema });
export const deleteRecordingSchema = z.object({ recordingId: recordingIdSchema });

export const mostRecordingChunkBytes = 512 * 1024;
export const readRecordingSchema = z.object({
  recordingId: recordingIdSchema,
  offset: z.int().nonnegative(),
  length: z.int().positive().max(mostRecordingChunkBytes),
});
export const recordingChunkSchema = z.object({ bytes: z.instanceof(Uint8Array) });
export type RecordingChunk = z.infer<typeof recordingChunkSchema>;

/** `finishing`: the pictures are being put into their file. `failed`: there is none. */
export const recordingFileStateSchema = z.enum(['recording', 'finishing', 'kept', 'deleted', 'failed']);

/** Render node → broker, on each change and after each registration until the broker has heard that it is deleted. */
export const recordingToldSchema = z.object({
  recordingId: recordingIdSchema,
  sessionId: sessionIdSchema,
  state: recordingFileStateSchema,
  startedAt: instantSchema,
  stoppedAt: instantSchema.nullable(),
  reason: recordingEndSchema.nullable(),
  bytes: z.int().nonnegative(),
  durationMs: z.int().nonnegative(),
  pictures: z.int().nonnegative(),
  sha256: z.string().nullable(),
  /** When the node deletes it; null while it is not finished. */
  expiresAt: instantSchema.nullable(),
});
export type RecordingTold = z.infer<typeof recordingToldSchema>;

/** A recording as those who may know of it see it. */
export const recordingViewSchema = z.object({
  id: recordingIdSchema,
  sessionId: sessionIdSchema,
  studyInstanceUID: uidSchema,
  studyTitle: z.string(),
  nodeId: nodeIdSchema,
  askedBy: z.object({ userId: userIdSchema, name: z.string() }),
  /** Who agreed, each once. */
  people: z.array(z.object({ userId: userIdSchema, name: z.string() })),
  state: recordingFileStateSchema,
  startedAt: instantSchema,
  stoppedAt: instantSchema.nullable(),
  reason: recordingEndSchema.nullable(),
  bytes: z.int(),
  durationMs: z.int(),
  pictures: z.int(),
  sha256: z.string().nullable(),
  expiresAt: instantSchema.nullable(),
  /** What the one who asks may do with it. */
  may: z.object({ fetch: z.boolean(), delete: z.boolean() }),
});
export type RecordingView = z.infer<typeof recordingViewSchema>;

/** Newest first. */
export const recordingListSchema = z.object({ recordings: z.array(recordingViewSchema) });

/**
 * Which role may have a session recorded: `in-control` while it steers, `any-time` also when it only looks. A role that is not named may
 * record nothing.
 */
export const recordingRightSchema = z.enum(['in-control', 'any-time']);
export type RecordingRight = z.infer<typeof recordingRightSchema>;
export const recordingRulesSchema = z.partialRecord(roleSchema, recordingRightSchema);
export type RecordingRules = z.infer<typeof recordingRulesSchema>;
