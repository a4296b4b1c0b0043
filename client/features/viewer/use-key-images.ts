import { notifications } from '@mantine/notifications';
import type { SessionView, ViewState } from '@medusa/protocol';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useEffectEvent, useRef } from 'react';
import { strings } from '../../strings/en.ts';
import { notifyFailure } from '../../ui/notify-failure.ts';
import { useServices } from '../../ui/services.tsx';
import { MeasurementNotes } from './measurement-notes.ts';
import { localPixels, noteOf, pixelsOf } from './note-image.ts';
import type { ViewerSession } from './viewer-session.ts';

type Measurement = ViewState['measurements'][number];

const text = strings.keyImages;
const shownMs = 3_000;

export function keyImagesKey(sessionId: string): readonly string[] {
  return ['key-images', sessionId];
}

/** Marks what is seen, when asked; and by itself what was measured. Answers how to mark. */
export function useKeyImages(
  viewer: ViewerSession,
  { id, mode }: Pick<SessionView, 'id' | 'mode'>,
  view: ViewState | null,
): () => void {
  const { api } = useServices();
  const cache = useQueryClient();
  const note = (of: ViewState | null, measurement?: Measurement): void => {
    // First of all: the next moment its pixels may be others.
    const pixels = mode === 'local' ? localPixels : pixelsOf(viewer.picture);
    const made = of && noteOf(of, pixels, measurement);
    if (!made) return;
    const sending = api.keyImages.note(id, made).then(async () => {
      const message = text.states[pixels.state];
      const title = measurement ? text.notedMeasurement : text.noted;
      notifications.show({ title, message, autoClose: shownMs, withCloseButton: false });
      await cache.invalidateQueries({ queryKey: keyImagesKey(id) });
    });
    notifyFailure(sending);
  };
  const noteMeasurement = useEffectEvent((measurement: Measurement, of: ViewState) => note(of, measurement));
  const isMine = useEffectEvent(() => mode === 'local' || viewer.hasControl());
  const notes = useRef<MeasurementNotes>(undefined);

  useEffect(() => {
    const made = new MeasurementNotes({
      isMine: () => isMine(),
      note: (...what) => noteMeasurement(...what),
    });
    notes.current = made;
    return () => made[Symbol.dispose]();
  }, [viewer]);
  useEffect(() => {
    if (view) notes.current?.take(view);
  }, [view]);
  return () => note(view);
}
