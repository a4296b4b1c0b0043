import type { ParticipantId, RoomView, SessionId, UserId } from '@medusa/protocol';
import { recordingAfterLeaving, transitionRecording } from './recording-consent.ts';
import type { RoomEvent, RoomRejection, RoomState, Seat } from './room-types.ts';

const mostSeats = 24;
const mostMessages = 200;

/** Apart from each other also for the colour-blind, and light enough on dark pictures. */
const colours = ['#56b4e9', '#e69f00', '#f0e442', '#cc79a7', '#00c08b', '#ff7f6e', '#b39ddb', '#d9d9d9'];

export function emptyRoom(sessionId: SessionId): RoomState {
  return { sessionId, seats: [], floorHolder: null, floorRequests: [], chat: [] };
}

/** The one place that knows who may sit, speak and steer. */
export function transitionRoom(room: RoomState, event: RoomEvent): RoomState | RoomRejection {
  switch (event.kind) {
    case 'join':
      return join(room, event.seat);
    case 'rejoin':
      return rejoin(room, event);
    case 'disconnect':
      return disconnect(room, event);
    case 'leave':
      return leave(room, event.participantId);
    case 'request-floor':
      return requestFloor(room, event.participantId);
    case 'give-floor':
      return giveFloor(room, event);
    case 'take-floor':
      return takeFloor(room, event.participantId);
    case 'chat':
      return { ...room, chat: [...room.chat, event.message].slice(-mostMessages) };
    case 'recording':
      return transitionRecording(room, event);
  }
}

export function isRoomRejection(outcome: RoomState | RoomRejection): outcome is RoomRejection {
  return 'kind' in outcome;
}

export function toRoomView(room: RoomState): RoomView {
  const { sessionId, seats, floorHolder, floorRequests, chat } = room;
  const participants = seats.map(({ disconnectedAt, ...seat }) => ({
    ...seat,
    isConnected: disconnectedAt === null,
  }));
  const { recording = null, endedRecording = null } = room;
  return {
    ...{ sessionId, participants, floorHolder, floorRequests: [...floorRequests], chat: [...chat] },
    ...{ recording, endedRecording },
  };
}

function join(room: RoomState, seat: Omit<Seat, 'colour' | 'disconnectedAt'>): RoomState | RoomRejection {
  if (room.seats.length >= mostSeats) return reject('access.refused', `A room has ${mostSeats} seats`);
  const taken = new Set(room.seats.map(({ colour }) => colour));
  const colour =
    colours.find((candidate) => !taken.has(candidate)) ??
    colours[room.seats.length % colours.length] ??
    '#ffffff';
  // The owner starts with the floor.
  const floorHolder = room.floorHolder ?? (seat.isOwner ? seat.id : null);
  return { ...room, seats: [...room.seats, { ...seat, colour, disconnectedAt: null }], floorHolder };
}

function rejoin(
  room: RoomState,
  { participantId, userId }: { participantId: ParticipantId; userId: UserId },
): RoomState | RoomRejection {
  const seat = findSeat(room, participantId);
  if (seat?.userId !== userId) return reject('room.not-joined', 'This seat is not kept for you any more');
  return changeSeat(room, participantId, { disconnectedAt: null });
}

function changeSeat(room: RoomState, id: ParticipantId, change: Partial<Seat>): RoomState | RoomRejection {
  if (!findSeat(room, id)) return notJoined();
  return { ...room, seats: room.seats.map((seat) => (seat.id === id ? { ...seat, ...change } : seat)) };
}

function disconnect(
  room: RoomState,
  { participantId, at }: { participantId: ParticipantId; at: string },
): RoomState | RoomRejection {
  const changed = changeSeat(room, participantId, { disconnectedAt: at });
  return isRoomRejection(changed) ? changed : recordingAfterLeaving(changed);
}

function leave(room: RoomState, id: ParticipantId): RoomState | RoomRejection {
  if (!findSeat(room, id)) return notJoined();
  const seats = room.seats.filter((seat) => seat.id !== id);
  // The floor falls back to the owner; nobody else gets it unasked.
  const heir = seats.find(({ isOwner, disconnectedAt }) => isOwner && disconnectedAt === null);
  const floorHolder = room.floorHolder === id ? (heir?.id ?? null) : room.floorHolder;
  const floorRequests = room.floorRequests.filter((other) => other !== id);
  return recordingAfterLeaving(passTo({ ...room, seats, floorRequests }, floorHolder), id);
}

function requestFloor(room: RoomState, id: ParticipantId): RoomState | RoomRejection {
  if (!findSeat(room, id)) return notJoined();
  if (room.floorHolder === id || room.floorRequests.includes(id)) return room;
  return { ...room, floorRequests: [...room.floorRequests, id] };
}

function giveFloor(
  room: RoomState,
  { from, to }: { from: ParticipantId; to: ParticipantId },
): RoomState | RoomRejection {
  const giver = findSeat(room, from);
  if (!giver || !findSeat(room, to)) return notJoined();
  if (room.floorHolder !== from && !giver.isOwner)
    return reject('room.floor-held', 'Only who has control can pass it on');
  return passTo(room, to);
}

function takeFloor(room: RoomState, id: ParticipantId): RoomState | RoomRejection {
  const seat = findSeat(room, id);
  if (!seat) return notJoined();
  const isFree = room.floorHolder === null || room.floorHolder === id;
  if (!isFree && !seat.isOwner) return reject('room.floor-held', 'Somebody else has control: ask for it');
  return passTo(room, id);
}

function passTo(room: RoomState, floorHolder: ParticipantId | null): RoomState {
  return { ...room, floorHolder, floorRequests: room.floorRequests.filter((id) => id !== floorHolder) };
}

function findSeat(room: RoomState, id: ParticipantId): Seat | undefined {
  return room.seats.find((seat) => seat.id === id);
}

function notJoined(): RoomRejection {
  return reject('room.not-joined', 'There is no such participant in the room');
}

function reject(code: RoomRejection['code'], reason: string): RoomRejection {
  return { kind: 'rejected', code, reason };
}
