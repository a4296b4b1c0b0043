import type { ParticipantId } from '@medusa/protocol';
import type { Room } from '../../core/room.ts';
import { notifyFailure } from '../../ui/notify-failure.ts';
import { useServices } from '../../ui/services.tsx';
import { useStore } from '../../ui/use-store.ts';
import { readFloor, type FloorView } from './read-floor.ts';

/** Who has control, and what one may do about it. */
export type Floor = FloorView & {
  readonly take: () => void;
  readonly request: () => void;
  readonly give: (participantId: ParticipantId) => void;
};

export function useFloor(room: Room): Floor {
  const { realtime } = useServices();
  return {
    ...readFloor(useStore(room.view), useStore(room.you)),
    take: () => notifyFailure(realtime.takeFloor()),
    request: () => notifyFailure(realtime.requestFloor()),
    give: (participantId) => notifyFailure(realtime.giveFloor(participantId)),
  };
}
