const listeners = new Set<() => void>();
let told: number | null = null;
let seamPx = 0;

/** Two screens side by side make one page: from here on it lies on the second one. 0: there is but one. */
export function splitPage(px: number): void {
  if (told === null) addEventListener('resize', lay);
  told = px;
  lay();
}

/** The page may be told before it is as wide. */
function lay(): void {
  const px = (told ?? 0) < innerWidth ? (told ?? 0) : 0;
  if (px === seamPx) return;
  seamPx = px;
  const { style, dataset } = document.documentElement;
  if (px > 0) {
    style.setProperty('--seam', `${px}px`);
    dataset['screens'] = '2';
  } else {
    style.removeProperty('--seam');
    delete dataset['screens'];
  }
  for (const listener of [...listeners]) listener();
}

export function hasSecondScreen(): boolean {
  return seamPx > 0;
}

/** Answers how to stop. */
export function onScreensChanged(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
