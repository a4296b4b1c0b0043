import type { Direction } from './slide-view.ts';

/** What the user can ask for by the toolbar or by a key. */
export interface SlideCommands {
  readonly zoom: (steps: number) => void;
  readonly pan: (direction: Direction) => void;
  readonly fit: () => void;
  readonly showPixels: () => void;
  readonly toggleOverview: () => void;
  readonly chooseNext: (step: number) => void;
}

export interface SlideToolbar {
  show(state: {
    readonly hasSlide: boolean;
    readonly hasOverview: boolean;
    readonly isOverviewOn: boolean;
  }): void;
}

export function createSlideToolbar(root: HTMLElement, commands: SlideCommands): SlideToolbar {
  const zoomIn = button({
    ...{ label: '+', title: 'Zoom in (+)' },
    run: () => {
      commands.zoom(1);
    },
  });
  const zoomOut = button({
    ...{ label: '−', title: 'Zoom out (-)' },
    run: () => {
      commands.zoom(-1);
    },
  });
  const fit = button({ label: 'Fit', title: 'The whole slide (0)', run: commands.fit, key: '0' });
  const pixels = button({
    ...{ label: '1:1', title: 'A pixel of the slide a pixel of the screen (1)' },
    ...{ run: commands.showPixels, key: '1' },
  });
  const overview = button({
    ...{ label: 'Overview', title: 'Overview (O)', run: commands.toggleOverview, key: 'O' },
  });
  root.append(group(zoomIn, zoomOut), group(fit, pixels), group(overview));
  return {
    show: ({ hasSlide, hasOverview, isOverviewOn }) => {
      for (const each of [zoomIn, zoomOut, fit, pixels]) each.disabled = !hasSlide;
      overview.disabled = !hasOverview;
      overview.setAttribute('aria-pressed', String(isOverviewOn));
    },
  };
}

/** The names are those of KeyboardEvent.key, letters in lower case. */
export function listenToSlideKeys(page: Document, commands: SlideCommands): void {
  const table = new Map<string, () => void>([
    ...['+', '='].map((key) => [key, () => commands.zoom(1)] as const),
    ...['-', '_'].map((key) => [key, () => commands.zoom(-1)] as const),
    ...(['left', 'right', 'up', 'down'] as const).map(
      (direction) => [`arrow${direction}`, () => commands.pan(direction)] as const,
    ),
    ['0', commands.fit],
    ['home', commands.fit],
    ['1', commands.showPixels],
    ['o', commands.toggleOverview],
    ['pageup', () => commands.chooseNext(-1)],
    ['pagedown', () => commands.chooseNext(1)],
  ]);
  page.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const run = table.get(event.key.toLowerCase());
    if (!run) return;
    event.preventDefault();
    run();
  });
}

interface ButtonOptions {
  readonly label: string;
  readonly title: string;
  readonly run: () => void;
  readonly key?: string;
}

function button({ label, title, run, key }: ButtonOptions): HTMLButtonElement {
  const element = document.createElement('button');
  element.type = 'button';
  element.title = title;
  element.setAttribute('aria-label', title);
  if (key !== undefined) {
    const badge = document.createElement('kbd');
    badge.textContent = key;
    element.append(badge);
  }
  element.append(label);
  element.addEventListener('click', (event) => {
    // A click of the mouse leaves the keys to the picture; a press of the keyboard leaves the focus where it is.
    if (event.detail > 0) element.blur();
    run();
  });
  return element;
}

function group(...elements: readonly HTMLElement[]): HTMLElement {
  const element = document.createElement('div');
  element.className = 'group';
  element.append(...elements);
  return element;
}
