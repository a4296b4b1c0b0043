import { useEffect, useRef, useState, type ReactNode, type RefObject } from 'react';
import type { Size } from '../../stream/display-mapping.ts';
import { partOf, placeStill, type ScreenPart } from '../../stream/screen-parts.ts';
import type { Picture } from '../../stream/picture.ts';
import { useStore } from '../../ui/use-store.ts';

type Props = {
  readonly picture: Picture;
  readonly stage: RefObject<HTMLElement | null>;
  readonly shows: ScreenPart;
};

/** Where the lossless still lies, exactly over the video. It shows itself when it is verified. */
export function StillLayer({ picture, stage, shows }: Props): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const { box, devicePixelRatio: ratio } = useStage(stage);
  const display = useStore(picture.display.screen.size) ?? { width: 0, height: 0 };
  const part = partOf(display, useStore(picture.display.screen.seam), shows);
  const { rectangle, scale } = placeStill(box, { display, part }, ratio);

  useEffect(() => picture.still.scale.set(scale), [picture, scale]);
  useEffect(() => {
    const { stillCanvas } = picture;
    stillCanvas.dataset['testid'] = 'still-picture';
    place.current?.append(stillCanvas);
    return () => stillCanvas.remove();
  }, [picture]);
  useEffect(() => {
    // A browser may throw the memory of a page that nobody sees away.
    const check = (): void => {
      if (document.visibilityState === 'visible') picture.still.check();
    };
    document.addEventListener('visibilitychange', check);
    return () => document.removeEventListener('visibilitychange', check);
  }, [picture]);

  return (
    <div
      ref={place}
      className="still-layer"
      style={rectangle}
      data-own-size={scale === 1 || undefined}
      aria-hidden
    />
  );
}

/** In CSS px, and how many device px one has: that changes when the window moves to another screen. */
function useStage(stage: RefObject<HTMLElement | null>): { box: Size; devicePixelRatio: number } {
  const [known, setKnown] = useState({ box: { width: 0, height: 0 }, devicePixelRatio: 1 });
  useEffect(() => {
    const element = stage.current;
    if (!element) return undefined;
    const look = (): void => {
      const box = { width: element.clientWidth, height: element.clientHeight };
      setKnown({ box, devicePixelRatio: window.devicePixelRatio });
    };
    const observer = new ResizeObserver(look);
    observer.observe(element);
    addEventListener('resize', look);
    return () => {
      observer.disconnect();
      removeEventListener('resize', look);
    };
  }, [stage]);
  return known;
}
