import type { ChatMessage, Participant, ParticipantId, RoomView } from '@medusa/protocol';

export type RoomNews = {
  readonly joined: readonly Participant[];
  readonly left: readonly Participant[];
  readonly messages: readonly ChatMessage[];
};

/** What the others did between two views of a room. Nothing is news in the first view. */
export function readRoomNews(
  before: RoomView | null,
  now: RoomView | null,
  you: ParticipantId | null,
): RoomNews {
  if (!before || !now) return { joined: [], left: [], messages: [] };
  const missingIn = (room: RoomView) => (participant: Participant) =>
    participant.id !== you && !room.participants.some(({ id }) => id === participant.id);
  const known = new Set(before.chat.map(({ id }) => id));
  return {
    joined: now.participants.filter(missingIn(before)),
    left: before.participants.filter(missingIn(now)),
    messages: now.chat.filter(({ id, participantId }) => !known.has(id) && participantId !== you),
  };
}
