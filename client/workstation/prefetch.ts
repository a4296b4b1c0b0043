interface PrefetchOptions {
  readonly imageIds: readonly string[];
  /** The image looked at now: its neighbours come first, also after the user has moved on. */
  readonly currentIndex: () => number;
  readonly isLoaded: (imageId: string) => boolean;
  readonly load: (imageId: string) => Promise<unknown>;
  readonly concurrency: number;
  readonly onProgress: (progress: Progress) => void;
}

export interface Progress {
  readonly loaded: number;
  readonly failed: number;
  readonly total: number;
}

/** Loads a series in the order of distance from the image looked at. Resolves when nothing is left or `signal` says stop. */
export async function prefetch(options: PrefetchOptions, signal: AbortSignal): Promise<Progress> {
  const { imageIds, isLoaded, load, onProgress } = options;
  const left = new Set(imageIds.keys());
  let loaded = 0;
  let failed = 0;
  const progress = (): Progress => ({ loaded, failed, total: imageIds.length });

  const isOver = (): boolean => signal.aborted;

  const work = async (): Promise<void> => {
    while (!isOver()) {
      const index = nearest(left, options.currentIndex());
      const imageId = index === undefined ? undefined : imageIds[index];
      if (index === undefined || imageId === undefined) return;
      left.delete(index);
      try {
        if (!isLoaded(imageId)) await load(imageId);
        loaded += 1;
      } catch {
        failed += 1;
      }
      if (!isOver()) onProgress(progress());
    }
  };

  await Promise.all(Array.from({ length: options.concurrency }, work));
  return progress();
}

function nearest(left: ReadonlySet<number>, current: number): number | undefined {
  let best: number | undefined;
  for (const index of left) {
    if (best === undefined || Math.abs(index - current) < Math.abs(best - current)) best = index;
  }
  return best;
}
