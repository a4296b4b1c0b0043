import type { ParticipantId, RoomRecording, RoomView } from '@medusa/protocol';
import type { Room } from '../../core/room.ts';
import { notifyFailure } from '../../ui/notify-failure.ts';
import { useServices } from '../../ui/services.tsx';
import { useStore } from '../../ui/use-store.ts';

/** The recording of a room, and what one may do about it. */
export function useRecording(room: Room): {
  readonly view: RoomView | null;
  readonly recording: RoomRecording | null;
  readonly canAsk: boolean;
  readonly isAsker: boolean;
  readonly hasAgreed: boolean;
  readonly ask: () => void;
  readonly answer: (agrees: boolean) => void;
  readonly stop: () => void;
} {
  const { realtime } = useServices();
  const view = useStore(room.view);
  const you = useStore(room.you);
  const right = useStore(room.mayRecord);
  const recording = view?.recording ?? null;
  const isAllowed = right === 'any-time' || (right === 'in-control' && view?.floorHolder === you);
  return {
    ...{ view, recording, canAsk: isAllowed && !recording },
    ...partIn(recording, you),
    ask: () => notifyFailure(realtime.askToRecord()),
    answer: (agrees) => notifyFailure(realtime.answerRecording(agrees)),
    stop: () => notifyFailure(realtime.stopRecording()),
  };
}

function partIn(
  recording: RoomRecording | null,
  you: ParticipantId | null,
): { readonly isAsker: boolean; readonly hasAgreed: boolean } {
  if (!recording || you === null) return { isAsker: false, hasAgreed: false };
  return { isAsker: recording.askedBy === you, hasAgreed: recording.agreed.includes(you) };
}
