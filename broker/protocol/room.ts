import { z } from 'zod';
import { instantSchema, participantIdSchema, roleSchema, sessionIdSchema, userIdSchema } from './ids.ts';
import { endedRecordingSchema, recordingRightSchema, roomRecordingSchema } from './recording.ts';
import { transferRightsSchema } from './transfer.ts';

export const participantSchema = z.object({
  id: participantIdSchema,
  userId: userIdSchema,
  name: z.string(),
  role: roleSchema,
  /** CSS colour of the pointer and of the roster's dot. */
  colour: z.string(),
  isOwner: z.boolean(),
  /** False while the connection is lost and the seat is kept. */
  isConnected: z.boolean(),
  joinedAt: instantSchema,
});
export type Participant = z.infer<typeof participantSchema>;

export const chatMessageSchema = z.object({
  id: z.string(),
  participantId: participantIdSchema,
  name: z.string(),
  colour: z.string(),
  text: z.string(),
  at: instantSchema,
});
export type ChatMessage = z.infer<typeof chatMessageSchema>;

/** The room around one session. The floor is the right to steer: one holder at most. */
export const roomViewSchema = z.object({
  sessionId: sessionIdSchema,
  participants: z.array(participantSchema),
  floorHolder: participantIdSchema.nullable(),
  floorRequests: z.array(participantIdSchema),
  chat: z.array(chatMessageSchema),
  recording: roomRecordingSchema.nullable().default(null),
  endedRecording: endedRecordingSchema.nullable().default(null),
});
export type RoomView = z.infer<typeof roomViewSchema>;

export const joinRoomSchema = z.strictObject({
  sessionId: sessionIdSchema,
  /** Set to take one's own seat again after a lost connection. */
  participantId: participantIdSchema.optional(),
});
export const joinedRoomSchema = z.object({
  you: participantIdSchema,
  room: roomViewSchema,
  /** What this participant may transfer while it steers; absent: nothing. */
  transfers: transferRightsSchema.optional(),
  /** Whether this participant may have the session recorded; absent: never. */
  mayRecord: recordingRightSchema.optional(),
});
export type JoinedRoom = z.infer<typeof joinedRoomSchema>;

export const chatRequestSchema = z.strictObject({ text: z.string().trim().min(1).max(2_000) });
export const answerRecordingSchema = z.strictObject({ agrees: z.boolean() });
export const giveFloorSchema = z.strictObject({ participantId: participantIdSchema });
/** Fractions of the picture's width and height; null = the pointer left it. */
export const pointerSchema = z
  .strictObject({ x: z.number().min(0).max(1), y: z.number().min(0).max(1) })
  .nullable();
export type Pointer = z.infer<typeof pointerSchema>;
export const pointedSchema = z.object({ participantId: participantIdSchema, pointer: pointerSchema });
export type Pointed = z.infer<typeof pointedSchema>;
