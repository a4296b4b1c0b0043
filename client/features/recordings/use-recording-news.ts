import { notifications } from '@mantine/notifications';
import { useEffect, useRef } from 'react';
import type { Room } from '../../core/room.ts';
import { strings } from '../../strings/en.ts';
import { useStore } from '../../ui/use-store.ts';

const text = strings.recordings;
const shownMs = 8_000;

/** Says why a recording has ended, or did not come about, to whoever knew of it. */
export function useRecordingNews(room: Room): void {
  const view = useStore(room.view);
  const known = useRef<string>(null);
  const current = view?.recording?.id ?? null;
  const ended = view?.endedRecording ?? null;
  useEffect(() => {
    if (current !== null) known.current = current;
    if (current !== null || known.current === null || known.current !== ended?.id) return;
    known.current = null;
    const message = ended.wasOn ? text.where : undefined;
    notifications.show({
      ...{ title: text.ends[ended.reason](ended.by), message, autoClose: shownMs },
      ...(ended.reason === 'failed' && { color: 'red' }),
    });
  }, [current, ended]);
}
