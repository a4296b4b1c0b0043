import type { ViewState } from '@medusa/protocol';

type Content = Omit<ViewState, 'revision'>;

/**
 * Tells what the screen shows, at most once a frame and only where something changed: `changed` may be called as often
 * as one likes. Each state told has a revision one above the last.
 */
export function createViewStateTeller(
  read: () => Content,
  tell: (view: ViewState) => void,
  nextFrame: (callback: () => void) => void,
): { changed(): void } {
  let revision = 0;
  let isScheduled = false;
  let told = '';

  return {
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
