type Listeners = {
  /** The page is seen again, or the machine slept. */
  readonly onWake: () => void;
  /** Another network, or one at all again. */
  readonly onOtherNetwork: () => void;
};

/** What the browser tells of the device that a picture has to heed at once. Dispose to stop. */
export function watchDevice({ onWake, onOtherNetwork }: Listeners): Disposable {
  const listening = new AbortController();
  const { signal } = listening;
  document.addEventListener(
    'visibilitychange',
    () => {
      if (document.visibilityState === 'visible') onWake();
    },
    { signal },
  );
  // Page Lifecycle: a frozen page ran nothing at all.
  document.addEventListener('resume', onWake, { signal });
  addEventListener('online', onOtherNetwork, { signal });
  return { [Symbol.dispose]: () => listening.abort() };
}
