import type { Progress } from './prefetch.ts';

/** Says over the stage what is going on: never a black screen without a reason. */
export interface Notice {
  /** Something is under way. */
  busy(message: string): void;
  /** Something went wrong or there is nothing to see. */
  state(title: string, detail: string): void;
  clear(): void;
  progress(progress: Progress): void;
}

export function createNotice(root: HTMLElement): Notice {
  const message = document.createElement('div');
  message.className = 'notice';
  message.setAttribute('role', 'status');
  const title = document.createElement('strong');
  const detail = document.createElement('span');
  message.append(title, detail);

  const progress = document.createElement('div');
  progress.className = 'progress';
  const bar = document.createElement('progress');
  const count = document.createElement('span');
  progress.append(bar, count);
  root.append(message, progress);

  const say = (kind: string, first: string, second: string): void => {
    message.dataset['kind'] = kind;
    title.textContent = first;
    detail.textContent = second;
  };
  say('none', '', '');
  progress.hidden = true;

  return {
    busy: (text) => {
      say('busy', text, '');
    },
    state: (first, second) => {
      say('state', first, second);
      progress.hidden = true;
    },
    clear: () => {
      say('none', '', '');
    },
    progress: ({ loaded, failed, total }) => {
      progress.hidden = loaded + failed >= total && failed === 0;
      bar.max = total;
      bar.value = loaded;
      const isOver = loaded + failed >= total;
      bar.hidden = isOver;
      progress.classList.toggle('failed', failed > 0);
      count.textContent = isOver ? `${failed} of ${total} missing` : `Loading ${loaded} / ${total}`;
    },
  };
}
