import type { ParticipantId, RoomView } from '@medusa/protocol';

/** Whether this participant gets no picture before agreeing to its recording. */
export function mustAgree(room: RoomView | null, you: ParticipantId | null): boolean {
  const recording = room?.recording ?? null;
  if (!recording || recording.phase === 'asked' || you === null) return false;
  return !recording.agreed.includes(you);
}

/** Names of those who are here and have not answered yet. */
export function notYetAgreed({ recording, participants }: RoomView): readonly string[] {
  return participants
    .filter(({ id, isConnected }) => isConnected && recording?.agreed.includes(id) === false)
    .map(({ name }) => name);
}

/** When it began, on the page's clock: clocks of computers differ, so what this page saw begin is counted from then. */
export function recordedSince(before: RoomView | null, now: RoomView, known: number | null): number | null {
  const { recording } = now;
  if (recording?.phase !== 'on') return null;
  if (known !== null) return known;
  if (before?.recording?.id === recording.id) return performance.now();
  return performance.now() - Math.max(0, Date.now() - Date.parse(recording.startedAt ?? recording.askedAt));
}
