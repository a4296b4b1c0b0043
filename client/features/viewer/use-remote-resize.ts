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
      viewer.picture.sendInput({ kind: 'resize', widthPx: width, heightPx: height }, performance.now());
    };
    const resized = (): void => {
      clearTimeout(timer);
      timer = setTimeout(ask, restMs);
    };
    // The stage changes with the window and with the panel beside it.
    const observer = new ResizeObserver(resized);
    if (stage.current) observer.observe(stage.current);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
    };
  }, [viewer, stage]);
}
