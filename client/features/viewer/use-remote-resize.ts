import { useEffect, type RefObject } from 'react';
import { screenFor, type ScreenWish } from '../../stream/sharpness.ts';
import { sharpness } from './sharpness-choice.ts';
import type { ViewerSession } from './viewer-session.ts';

const restMs = 400;

/** Asks the remote display to follow the stage once it rests in a new size; who has no control only scales. */
export function useRemoteResize(viewer: ViewerSession, stage: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const { picture, room } = viewer;
    const { screen } = picture;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wish = (): ScreenWish | undefined => {
      const element = stage.current;
      if (!element || !viewer.hasControl()) return undefined;
      return screenFor(
        { width: element.clientWidth, height: element.clientHeight },
        {
          devicePixelRatio,
          sharpness: sharpness.get(),
          targetKbps: screen.targetKbps.get(),
          scalePercent: screen.scalePercent.get(),
        },
      );
    };
    const isFulfilled = ({ width, height, scalePercent }: ScreenWish): boolean => {
      const now = screen.size.get();
      return now?.width === width && now.height === height && screen.scalePercent.get() === scalePercent;
    };
    const ask = (): void => {
      const wished = wish();
      if (!wished || isFulfilled(wished)) return;
      const { width: widthPx, height: heightPx, scalePercent } = wished;
      // The way for input may not be open yet.
      if (!picture.sendInput({ kind: 'resize', widthPx, heightPx, scalePercent }, performance.now()))
        changed();
    };
    const changed = (): void => {
      clearTimeout(timer);
      timer = setTimeout(ask, restMs);
    };
    let askedPercent: number | undefined;
    /** Each second another rate is told; most of them change nothing, and must not put off what rests. */
    const rateChanged = (): void => {
      const percent = wish()?.scalePercent;
      if (percent !== askedPercent) changed();
      askedPercent = percent;
    };
    // The stage changes with the window and with the panel beside it.
    const observer = new ResizeObserver(changed);
    if (stage.current) observer.observe(stage.current);
    // A window that moves to another screen may keep its size.
    addEventListener('resize', changed);
    // Whoever gets control brings the size along; only what the node itself tells means that it heeds it.
    const stops = [
      ...[room.view, picture.controller, sharpness].map((store) => store.subscribe(changed)),
      screen.targetKbps.subscribe(rateChanged),
    ];
    return () => {
      for (const stop of stops) stop();
      clearTimeout(timer);
      observer.disconnect();
      removeEventListener('resize', changed);
    };
  }, [viewer, stage]);
}
