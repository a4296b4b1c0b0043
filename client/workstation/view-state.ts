import type { ViewState } from '@medusa/protocol';

type Content = Omit<ViewState, 'revision'>;

/**
 * Tells what the screen shows, at most once a frame and only where something changed: `changed` may be called as often
 * as one likes. Each state told has a revision one above the last, also above that of a page whose place this one takes.
 */
export function createViewStateTeller(
  read: () => Content,
  tell: (view: ViewState) => void,
  nextFrame: (callback: () => void) => void,
): { changed(): void; goOnFrom(revision: number): void } {
  let revision = 0;
  let isScheduled = false;
  let told = '';

  return {
    goOnFrom: (known) => {
      revision = Math.max(revision, known + 1);
    },
    changed: () => {
      if (isScheduled) return;
      isScheduled = true;
      nextFrame(() => {
        isScheduled = false;
        const content = read();
        const written = JSON.stringify(content);
        if (written === told) return;
        told = written;
        tell({ revision, ...content });
        revision += 1;
      });
    },
  };
}
