import { useEffect, type RefObject } from 'react';
import type { Size } from '../../stream/display-mapping.ts';
import { besides } from '../../stream/screen-parts.ts';
import { screenFor, type ScreenWish } from '../../stream/sharpness.ts';
import { sharpness } from './sharpness-choice.ts';
import type { ViewerSession } from './viewer-session.ts';

const restMs = 400;

type Wish = ScreenWish & { readonly seam?: number };

/** Asks the remote display to follow the stage once it rests in a new size; who has no control only scales. */
export function useRemoteResize(
  viewer: ViewerSession,
  stage: RefObject<HTMLElement | null>,
  second: Window | null,
): void {
  useEffect(() => {
    const { picture, room } = viewer;
    const { screen } = picture.display;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wishOf = (box: Size, ratio: number): ScreenWish =>
      screenFor(box, {
        devicePixelRatio: ratio,
        sharpness: sharpness.get(),
        targetKbps: screen.targetKbps.get(),
        scalePercent: screen.scalePercent.get(),
      });
    const wish = (): Wish | undefined => {
      const element = stage.current;
      if (!element || !viewer.hasControl()) return undefined;
      const first = wishOf({ width: element.clientWidth, height: element.clientHeight }, devicePixelRatio);
      if (!second || second.closed) return first;
      const { innerWidth: width, innerHeight: height } = second;
      return besides(first, wishOf({ width, height }, second.devicePixelRatio));
    };
    const isFulfilled = ({ width, height, scalePercent, seam }: Wish): boolean => {
      const now = screen.size.get();
      const isAsWide = now?.width === width && (screen.seam.get() ?? undefined) === seam;
      return isAsWide && now.height === height && screen.scalePercent.get() === scalePercent;
    };
    const ask = (): void => {
      const wished = wish();
      if (!wished || isFulfilled(wished)) return;
      const { width: widthPx, height: heightPx, scalePercent, seam } = wished;
      const size = { widthPx, heightPx, scalePercent, ...(seam !== undefined && { seamPx: seam }) };
      // The way for input may not be open yet.
      if (!picture.sendInput({ kind: 'resize', ...size }, performance.now())) changed();
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
    second?.addEventListener('resize', changed);
    changed();
    // Whoever gets control brings the size along; only what the node itself tells means that it heeds it.
    const stops = [
      ...[room.view, picture.display.controller, sharpness].map((store) => store.subscribe(changed)),
      screen.targetKbps.subscribe(rateChanged),
    ];
    return () => {
      for (const stop of stops) stop();
      clearTimeout(timer);
      observer.disconnect();
      removeEventListener('resize', changed);
      second?.removeEventListener('resize', changed);
    };
  }, [viewer, stage, second]);
}
