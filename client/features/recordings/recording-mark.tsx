import type { ReactNode } from 'react';
import type { Room } from '../../core/room.ts';
import { strings } from '../../strings/en.ts';
import { useStore } from '../../ui/use-store.ts';
import { RecordingClock } from './recording-clock.tsx';
import './recordings.css';

/** Over a picture that has no bar. */
export function RecordingMark({ room }: { room: Room }): ReactNode {
  if (useStore(room.view)?.recording?.phase !== 'on') return null;
  return (
    <div className="recording-mark" data-testid="recording-mark">
      <span className="recording-light" aria-hidden /> {strings.recordings.rec} <RecordingClock room={room} />
    </div>
  );
}
