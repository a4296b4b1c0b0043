import { useEffect, useState, type ReactNode } from 'react';
import type { Room } from '../../core/room.ts';
import { useStore } from '../../ui/use-store.ts';
import { formatLength } from './format-length.ts';

const secondMs = 1_000;

/** How long it has been recorded. */
export function RecordingClock({ room }: { room: Room }): ReactNode {
  const since = useStore(room.recordedSince);
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), secondMs);
    return () => clearInterval(timer);
  }, [since]);
  return (
    <span className="medusa-numeric" role="timer" data-testid="recording-clock">
      {formatLength(since === null ? 0 : Math.max(0, now - since))}
    </span>
  );
}
