import type { StillSize, StillTile } from '@medusa/protocol';

/** What a still is drawn on, and read back from. */
export interface StillSurface {
  /** Clears it, too. */
  resize(size: StillSize): void;
  draw(tile: Pick<StillTile, 'x' | 'y' | 'widthPx'>, pixels: Uint8ClampedArray<ArrayBuffer>): void;
  /** RGBA of all of it, as it is now. */
  read(): Uint8ClampedArray<ArrayBuffer>;
  show(isShown: boolean): void;
}

/** Kept in memory and not by the graphics processor: it is read back, and drawn seldom. */
export function canvasSurface(canvas: HTMLCanvasElement): StillSurface {
  const context = canvas.getContext('2d', { willReadFrequently: true, alpha: false });
  if (!context) throw new Error('This browser draws no pictures');
  return {
    resize({ widthPx, heightPx }) {
      canvas.width = widthPx;
      canvas.height = heightPx;
    },
    draw({ x, y, widthPx }, pixels) {
      context.putImageData(new ImageData(pixels, widthPx), x, y);
    },
    read: () => context.getImageData(0, 0, canvas.width, canvas.height).data,
    show(isShown) {
      canvas.style.visibility = isShown ? 'visible' : 'hidden';
    },
  };
}
