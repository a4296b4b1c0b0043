import type { SeriesEntry } from '../workstation/series.ts';

/** The list of a study's slides on the left; of one alone there is nothing to choose. */
export interface SlideRail {
  list(entries: readonly SeriesEntry[]): void;
  select(entry: SeriesEntry): void;
}

export function createSlideRail(root: HTMLElement, open: (entry: SeriesEntry) => void): SlideRail {
  let rows: readonly (readonly [string, HTMLElement])[] = [];
  return {
    list: (entries) => {
      rows = entries.map((entry, index) => {
        const element = document.createElement('button');
        element.type = 'button';
        element.textContent = entry.description || `Slide ${index + 1}`;
        element.addEventListener('click', () => {
          open(entry);
          element.blur();
        });
        return [entry.seriesInstanceUID, element];
      });
      root.replaceChildren(...rows.map(([, element]) => element));
      root.hidden = rows.length < 2;
    },
    select: ({ seriesInstanceUID }) => {
      for (const [uid, element] of rows)
        element.setAttribute('aria-current', String(uid === seriesInstanceUID));
    },
  };
}
