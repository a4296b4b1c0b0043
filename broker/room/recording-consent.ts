import type { ParticipantId, RecordingEnd, RoomRecording } from '@medusa/protocol';
import type { RecordingEvent, RoomRejection, RoomState } from './room-types.ts';

/** Who is asked, who has agreed, and when a recording begins and ends: nothing is recorded of which somebody present has not agreed. */
export function transitionRecording(room: RoomState, event: RecordingEvent): RoomState | RoomRejection {
  if (event.act === 'ask') return ask(room, event);
  const recording = room.recording ?? null;
  if (event.act === 'end')
    return recording?.id === event.id ? end(room, recording, { reason: event.reason, by: null }) : room;
  if (!recording) return conflict('Nothing is recorded, and nobody asks for it');
  return move(room, recording, event);
}

function move(
  room: RoomState,
  recording: RoomRecording,
  event: Exclude<RecordingEvent, { act: 'ask' | 'end' }>,
): RoomState | RoomRejection {
  switch (event.act) {
    case 'agree':
      return agree(room, recording, event.participantId);
    case 'decline':
      if (recording.phase !== 'asked') return conflict('Nobody asks for a recording now');
      return end(room, recording, { reason: 'declined', by: event.participantId });
    case 'stop':
      return stop(room, recording, event.participantId);
    case 'begin':
      if (recording.id !== event.id) return conflict('This recording is not wanted any more');
      return { ...room, recording: { ...recording, phase: 'on', startedAt: event.at } };
  }
}

/** Somebody has left, or their connection is lost: it may be that all who are still there have agreed, or that the asker is gone. */
export function recordingAfterLeaving(room: RoomState, gone?: ParticipantId): RoomState {
  const recording = room.recording ?? null;
  if (!recording) return room;
  if (gone !== undefined && recording.askedBy === gone)
    return end(room, recording, {
      reason: recording.phase === 'asked' ? 'withdrawn' : 'asker-left',
      by: null,
    });
  const agreed = recording.agreed.filter((id) => id !== gone);
  return proceed({ ...room, recording: { ...recording, agreed } });
}

/** Whether this seat may have the picture. */
export function maySee({ recording }: Pick<RoomState, 'recording'>, id: ParticipantId): boolean {
  return !recording || recording.phase === 'asked' || recording.agreed.includes(id);
}

function ask(
  room: RoomState,
  { participantId, id, at }: Extract<RecordingEvent, { act: 'ask' }>,
): RoomState | RoomRejection {
  const seat = room.seats.find(({ id: of }) => of === participantId);
  if (!seat) return { kind: 'rejected', code: 'room.not-joined', reason: 'Join the room first' };
  if (room.recording) return conflict('A recording runs, or somebody asks for one');
  const recording: RoomRecording = {
    ...{ id, phase: 'asked', askedBy: participantId, askedByName: seat.name, askedAt: at, startedAt: null },
    // Who asks has agreed.
    agreed: [participantId],
  };
  return proceed({ ...room, recording, endedRecording: null });
}

function agree(
  room: RoomState,
  recording: RoomRecording,
  participantId: ParticipantId,
): RoomState | RoomRejection {
  if (!room.seats.some(({ id }) => id === participantId))
    return { kind: 'rejected', code: 'room.not-joined', reason: 'Join the room first' };
  if (recording.agreed.includes(participantId)) return room;
  return proceed({ ...room, recording: { ...recording, agreed: [...recording.agreed, participantId] } });
}

function stop(
  room: RoomState,
  recording: RoomRecording,
  participantId: ParticipantId,
): RoomState | RoomRejection {
  const isAsked = recording.phase === 'asked';
  if (isAsked && participantId !== recording.askedBy)
    return end(room, recording, { reason: 'declined', by: participantId });
  return end(room, recording, { reason: isAsked ? 'withdrawn' : 'stopped', by: participantId });
}

/** It starts when all who are present have agreed; who is away agrees on coming back, before there is a picture. */
function proceed(room: RoomState): RoomState {
  const { recording } = room;
  if (recording?.phase !== 'asked') return room;
  const present = room.seats.filter(({ disconnectedAt }) => disconnectedAt === null);
  const isAskerThere = present.some(({ id }) => id === recording.askedBy);
  const haveAllAgreed = present.every(({ id }) => recording.agreed.includes(id));
  if (!isAskerThere || !haveAllAgreed) return room;
  return { ...room, recording: { ...recording, phase: 'starting' } };
}

function end(
  room: RoomState,
  { id, phase }: RoomRecording,
  why: { reason: RecordingEnd; by: ParticipantId | null },
): RoomState {
  const by = room.seats.find((seat) => seat.id === why.by)?.name ?? null;
  const endedRecording = { id, reason: why.reason, by, wasOn: phase === 'on' };
  return { ...room, recording: null, endedRecording };
}

function conflict(reason: string): RoomRejection {
  return { kind: 'rejected', code: 'recording.conflict', reason };
}
