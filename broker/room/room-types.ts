import type {
  ChatMessage,
  EndedRecording,
  Participant,
  ParticipantId,
  RecordingEnd,
  RecordingId,
  RoomRecording,
  SessionId,
  UserId,
} from '@medusa/protocol';

/** A participant's place. It is kept for a while when the connection is lost. */
export type Seat = Omit<Participant, 'isConnected'> & { readonly disconnectedAt: string | null };

export type RoomState = {
  readonly sessionId: SessionId;
  readonly seats: readonly Seat[];
  readonly floorHolder: ParticipantId | null;
  readonly floorRequests: readonly ParticipantId[];
  readonly chat: readonly ChatMessage[];
  /** Absent in rooms of before: nothing was recorded then. */
  readonly recording?: RoomRecording | null;
  readonly endedRecording?: EndedRecording | null;
};

export type RoomEvent =
  | { readonly kind: 'join'; readonly seat: Omit<Seat, 'colour' | 'disconnectedAt'> }
  | { readonly kind: 'rejoin'; readonly participantId: ParticipantId; readonly userId: UserId }
  | { readonly kind: 'disconnect'; readonly participantId: ParticipantId; readonly at: string }
  | { readonly kind: 'leave'; readonly participantId: ParticipantId }
  | { readonly kind: 'request-floor'; readonly participantId: ParticipantId }
  | { readonly kind: 'give-floor'; readonly from: ParticipantId; readonly to: ParticipantId }
  | { readonly kind: 'take-floor'; readonly participantId: ParticipantId }
  | { readonly kind: 'chat'; readonly message: ChatMessage }
  | RecordingEvent;

export type RoomRejection = {
  readonly kind: 'rejected';
  readonly code: 'room.not-joined' | 'room.floor-held' | 'access.refused' | 'recording.conflict';
  readonly reason: string;
};

export type RecordingEvent = { readonly kind: 'recording' } & (
  | {
      readonly act: 'ask';
      readonly participantId: ParticipantId;
      readonly id: RecordingId;
      readonly at: string;
    }
  | { readonly act: 'agree' | 'decline' | 'stop'; readonly participantId: ParticipantId }
  /** The node records. */
  | { readonly act: 'begin'; readonly id: RecordingId; readonly at: string }
  | { readonly act: 'end'; readonly id: RecordingId; readonly reason: RecordingEnd }
);
