import type { TypedEmitter } from '@medusa/kernel';

type Link = { readonly events: TypedEmitter<{ up: []; down: [] }> };
type Watched = { readonly connectedParticipants: number; close: (reason: string) => Promise<void> };

const lookIntervalMs = 1_000;

/**
 * Closes the sessions that nobody looks at while the broker is away for long: who could ask for them again is gone.
 * Sessions with a connected participant go on.
 */
export function watchOrphans(
  link: Link,
  sessions: { all: () => readonly Watched[] },
  orphanSeconds: number,
): Disposable {
  let downSinceMs: number | undefined = performance.now();
  const up = link.events.on('up', () => (downSinceMs = undefined));
  const down = link.events.on('down', () => (downSinceMs ??= performance.now()));
  const timer = setInterval(() => {
    if (downSinceMs === undefined || performance.now() - downSinceMs < orphanSeconds * 1_000) return;
    for (const session of sessions.all())
      if (session.connectedParticipants === 0)
        void session.close('The broker was away and nobody was connected');
  }, lookIntervalMs);
  timer.unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      up[Symbol.dispose]();
      down[Symbol.dispose]();
    },
  };
}
