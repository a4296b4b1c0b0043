/**
 * A canvas that gets a new size is empty until the next frame is drawn, which the eye sees as a flicker. The old picture,
 * stretched, stays until then.
 */
export function keepPictureWhile(canvas: HTMLCanvasElement, resize: () => void): void {
  const kept = document.createElement('canvas');
  kept.width = canvas.width;
  kept.height = canvas.height;
  if (kept.width > 0 && kept.height > 0) kept.getContext('2d')?.drawImage(canvas, 0, 0);

  resize();

  if (kept.width === 0 || kept.height === 0) return;
  canvas.getContext('2d')?.drawImage(kept, 0, 0, canvas.width, canvas.height);
}
