import type { Slide } from './slide-metadata.ts';
import { levelIndexAt, mmPerPx, scaleBar, type SlideViewpoint } from './slide-geometry.ts';

const mostBarPx = 160;

/** Over the picture: whose slide it is, which level is seen, how long a length is, and through which objective it was scanned. */
export interface SlideStatus {
  show(slide: Slide, viewpoint: SlideViewpoint): void;
  describe(lines: readonly string[]): void;
  clear(): void;
}

export function createSlideStatus(root: HTMLElement): SlideStatus {
  const [patient, scale, facts] = ['slide-patient', 'slide-scale', 'slide-facts'].map(
    (className): HTMLElement => {
      const part = document.createElement('div');
      part.className = className;
      root.append(part);
      return part;
    },
  ) as [HTMLElement, HTMLElement, HTMLElement];
  const bar = document.createElement('span');
  bar.className = 'bar';
  const length = document.createElement('span');
  scale.append(length, bar);
  root.hidden = true;

  return {
    describe: (lines) => {
      patient.replaceChildren(...lines.filter((line) => line !== '').map(toLine));
    },
    show: (slide, viewpoint) => {
      root.hidden = false;
      const mm = mmPerPx(slide, viewpoint);
      scale.hidden = mm === null;
      if (mm !== null) {
        const { px, label } = scaleBar(mm, mostBarPx);
        length.textContent = label;
        // Lengths are those of the picture, however large the letters are.
        bar.style.width = `calc(${px}px / var(--interface-scale, 1))`;
      }
      facts.replaceChildren(...factsOf(slide, viewpoint).map(toLine));
    },
    clear: () => {
      root.hidden = true;
    },
  };
}

function factsOf(slide: Slide, { resolution }: SlideViewpoint): string[] {
  const index = levelIndexAt(slide.levels, resolution);
  const level = slide.levels[index];
  const { objective, spacingMm } = slide;
  const share = `${round(100 / resolution)} %`;
  return [
    objective === null
      ? `${share}   Objective not stated`
      : `${round(objective / resolution)}× (${share})   Objective ${round(objective)}×`,
    `Level ${index + 1} of ${slide.levels.length}   ${level?.columns ?? 0} × ${level?.rows ?? 0} px`,
    spacingMm === null ? 'Size of a pixel not stated' : pixelSize(spacingMm),
  ];
}

function pixelSize({ row, column }: NonNullable<Slide['spacingMm']>): string {
  const [high, wide] = [row * 1_000, column * 1_000].map((value) => value.toPrecision(3));
  return high === wide ? `${wide} µm a pixel` : `Pixels of ${wide} × ${high} µm: not square`;
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}

function toLine(text: string): HTMLElement {
  const line = document.createElement('div');
  line.textContent = text;
  return line;
}
