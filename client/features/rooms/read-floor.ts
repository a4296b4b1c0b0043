import type { Participant, ParticipantId, RoomView } from '@medusa/protocol';

/** Who has control, as seen from one seat. */
export type FloorView = {
  readonly you: Participant | undefined;
  readonly holder: Participant | undefined;
  readonly isYours: boolean;
  readonly hasAsked: boolean;
  /** The owner always, the others when nobody has control. */
  readonly canTake: boolean;
};

export function readFloor(room: RoomView | null, yourId: ParticipantId | null): FloorView {
  const find = (id: ParticipantId | null): Participant | undefined =>
    room?.participants.find((participant) => participant.id === id);
  const you = find(yourId);
  const holder = find(room?.floorHolder ?? null);
  const isYours = you !== undefined && holder === you;
  return {
    you,
    holder,
    isYours,
    hasAsked: you !== undefined && (room?.floorRequests.includes(you.id) ?? false),
    canTake: !isYours && (holder === undefined || you?.isOwner === true),
  };
}
