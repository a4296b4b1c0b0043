import type { Participant, ParticipantId } from '@medusa/protocol';
import type { Room } from '../../core/room.ts';
import { notifyFailure } from '../../ui/notify-failure.ts';
import { useServices } from '../../ui/services.tsx';
import { useStore } from '../../ui/use-store.ts';

/** Who has control, as seen from one's own seat, and what one may do about it. */
export type Floor = {
  readonly you: Participant | undefined;
  readonly holder: Participant | undefined;
  readonly isYours: boolean;
  readonly hasAsked: boolean;
  /** The owner always, the others when nobody has control. */
  readonly canTake: boolean;
  readonly take: () => void;
  readonly request: () => void;
  readonly give: (participantId: ParticipantId) => void;
};

export function useFloor(room: Room): Floor {
  const { realtime } = useServices();
  const view = useStore(room.view);
  const yourId = useStore(room.you);
  const find = (id: ParticipantId | null): Participant | undefined =>
    view?.participants.find((participant) => participant.id === id);
  const you = find(yourId);
  const holder = find(view?.floorHolder ?? null);
  const isYours = yourId !== null && view?.floorHolder === yourId;
  return {
    you,
    holder,
    isYours,
    hasAsked: yourId !== null && (view?.floorRequests.includes(yourId) ?? false),
    canTake: !isYours && (holder === undefined || (you?.isOwner ?? false)),
    take: () => notifyFailure(realtime.takeFloor()),
    request: () => notifyFailure(realtime.requestFloor()),
    give: (participantId) => notifyFailure(realtime.giveFloor(participantId)),
  };
}
