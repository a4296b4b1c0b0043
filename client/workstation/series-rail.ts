import { utilities, type Types } from '@cornerstonejs/core';
import type { SeriesEntry } from './series.ts';

const thumbnailPx = 128;

/** The list of a study's series on the left. */
export interface SeriesRail {
  select(entry: SeriesEntry): void;
  showThumbnail(entry: SeriesEntry, image: Types.IImage): void;
  showCount(entry: SeriesEntry, count: number): void;
}

export function createSeriesRail(
  root: HTMLElement,
  entries: readonly SeriesEntry[],
  open: (entry: SeriesEntry) => void,
): SeriesRail {
  const rows = new Map(entries.map((entry) => [entry.seriesInstanceUID, createRow(entry, open)]));
  root.replaceChildren(...[...rows.values()].map(({ element }) => element));
  root.addEventListener('keydown', (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step === undefined) return;
    const elements = [...rows.values()].map(({ element }) => element);
    const index = elements.findIndex((element) => element === document.activeElement);
    elements[index + step]?.focus();
    event.preventDefault();
  });

  return {
    select: ({ seriesInstanceUID }) => {
      for (const [uid, { element }] of rows)
        element.setAttribute('aria-current', String(uid === seriesInstanceUID));
    },
    showThumbnail: ({ seriesInstanceUID }, image) => {
      const row = rows.get(seriesInstanceUID);
      if (row) void draw(row.picture, image);
    },
    showCount: ({ seriesInstanceUID }, count) => {
      const row = rows.get(seriesInstanceUID);
      if (row) row.count.textContent = countText(count);
    },
  };
}

interface Row {
  readonly element: HTMLButtonElement;
  readonly picture: HTMLElement;
  readonly count: HTMLElement;
}

function createRow(entry: SeriesEntry, open: (entry: SeriesEntry) => void): Row {
  const element = document.createElement('button');
  element.type = 'button';
  const [picture, title, modality, count] = ['picture', 'title', 'modality', 'count'].map((name) => {
    const part = document.createElement('span');
    part.className = name;
    return part;
  }) as [HTMLElement, HTMLElement, HTMLElement, HTMLElement];
  picture.textContent = entry.modality;
  title.textContent = entry.description || 'No description';
  modality.textContent = entry.modality || '?';
  count.textContent = countText(entry.instanceCount);
  element.title = entry.description;
  element.append(picture, title, modality, count);
  element.addEventListener('click', (event) => {
    if (event.detail > 0) element.blur();
    open(entry);
  });
  return { element, picture, count };
}

/** Drawn by the processor, whatever draws the big picture: no drawing context is spent on it. */
async function draw(picture: HTMLElement, image: Types.IImage): Promise<void> {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = thumbnailPx;
  await utilities.renderToCanvasCPU(canvas, image, undefined, undefined);
  picture.replaceChildren(canvas);
}

function countText(count: number): string {
  return count === 1 ? '1 image' : `${count} images`;
}
