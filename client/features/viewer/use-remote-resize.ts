import { useEffect, type RefObject } from 'react';
import { displaySizeFor } from '../../stream/display-mapping.ts';
import type { ViewerSession } from './viewer-session.ts';

const restMs = 400;

/** Asks the remote display to follow the stage once it rests in a new size; who has no control only scales. */
export function useRemoteResize(viewer: ViewerSession, stage: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = (): void => {
      const element = stage.current;
      if (!element || !viewer.hasControl()) return;
      const { width, height } = displaySizeFor(
        { width: element.clientWidth, height: element.clientHeight },
        devicePixelRatio,
      );
      const now = viewer.picture.displaySize.get();
      if (now?.width === width && now.height === height) return;
      const wish = { kind: 'resize', widthPx: width, heightPx: height } as const;
      // The way for input may not be open yet.
      if (!viewer.picture.sendInput(wish, performance.now())) resized();
    };
    const resized = (): void => {
      clearTimeout(timer);
      timer = setTimeout(ask, restMs);
    };
    // The stage changes with the window and with the panel beside it.
    const observer = new ResizeObserver(resized);
    if (stage.current) observer.observe(stage.current);
    // Whoever gets control brings the size along; only what the node itself tells means that it heeds it.
    const stops = [viewer.room.view.subscribe(resized), viewer.picture.controller.subscribe(resized)];
    return () => {
      for (const stop of stops) stop();
      clearTimeout(timer);
      observer.disconnect();
    };
  }, [viewer, stage]);
}
