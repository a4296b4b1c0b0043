import { useEffect, useRef, type ReactNode } from 'react';
import type { Size } from '../../../stream/display-mapping.ts';
import type { Picture } from '../../../stream/picture.ts';
import { partOf, placeStill } from '../../../stream/screen-parts.ts';
import { useStore } from '../../../ui/use-store.ts';

/** The second screen's part of the lossless still: the very pixels that were read back and compared, as long as they hold. */
export function SecondStill(props: {
  readonly picture: Picture;
  readonly box: Size;
  readonly window: Window;
}): ReactNode {
  const { picture, box, window: shown } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const display = useStore(picture.display.screen.size);
  const seam = useStore(picture.display.screen.seam);
  const isVerified = useStore(picture.still.state) === 'verified';
  useEffect(() => {
    const { stillCanvas } = picture;
    if (!canvas.current || !isVerified || seam === null || stillCanvas.width <= seam) return;
    canvas.current.width = stillCanvas.width - seam;
    canvas.current.height = stillCanvas.height;
    canvas.current.getContext('2d', { alpha: false })?.drawImage(stillCanvas, -seam, 0);
  }, [picture, isVerified, seam, display]);
  if (!display || seam === null) return null;
  const part = partOf(display, seam, 'second');
  const { rectangle, scale } = placeStill(box, { display, part }, shown.devicePixelRatio);
  const cssPx = rectangle.width / display.width;
  const place = {
    left: rectangle.left + seam * cssPx,
    top: rectangle.top,
    width: part.width * cssPx,
    height: rectangle.height,
  };
  return (
    <div className="still-layer" style={place} data-own-size={scale === 1 || undefined} aria-hidden>
      <canvas
        ref={canvas}
        style={{ visibility: isVerified ? 'visible' : 'hidden' }}
        data-testid="second-still"
        data-shown={isVerified}
      />
    </div>
  );
}
