import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { GrayPicture } from '../../../support/reference.ts';
import { pictureOf, stripPx, type Content } from '../program/layout.ts';
import type { CtSeries } from './ct-series.ts';
import { boneWindow, cover, lungWindow, project, type Size, softTissueWindow, type Window } from './gray.ts';

export const sceneNames = ['static', 'ct6', 'ct30', 'ct30soft', 'ct60', 'volume'] as const;
export type SceneName = (typeof sceneNames)[number];

const rates: Readonly<Record<SceneName, number>> = {
  static: 0,
  ct6: 6,
  ct30: 30,
  ct30soft: 30,
  ct60: 60,
  volume: 30,
};

/** Pictures of the largest size lie in the X server: some 8 MB each. */
const picturesOfMotion = 24;

export type Scene = {
  readonly isMoving: boolean;
  /** What the program shows below the strip when it counts so far, as gray. */
  truth(count: number): GrayPicture;
  /** Writes what the program reads. */
  write(folder: string): Promise<void>;
};

export type SceneSources = { readonly series: CtSeries; readonly page: (size: Size) => Promise<Buffer> };

export async function createScene(
  name: SceneName,
  whole: Size,
  { series, page }: SceneSources,
): Promise<Scene> {
  const size = { width: whole.width, height: whole.height - stripPx };
  if (name === 'static')
    return assemble(whole, { pictures: [await page(size)], bytesPerPixel: 3, picturesPerSecond: 0 });
  const picturesPerSecond = rates[name];
  const window = name === 'ct30soft' ? softTissueWindow : lungWindow;
  const pictures = name === 'volume' ? rotation(series, size) : scroll(series, size, window);
  return assemble(whole, { pictures, bytesPerPixel: 1, picturesPerSecond });
}

/** Neighbouring slices of the middle of the chest. */
function scroll(series: CtSeries, size: Size, window: Window): Uint8Array[] {
  const first = Math.floor((series.slices.length - picturesOfMotion) / 2);
  return series.slices
    .slice(first, first + picturesOfMotion)
    .map((values) => cover({ width: series.columns, height: series.rows, values }, size, window));
}

/** As many views of the turning chest, one above the other, as fill the height. */
function rotation(series: CtSeries, size: Size): Uint8Array[] {
  const chest = (series.slices.length * series.stepPx) / series.columns;
  const views = Math.max(1, Math.round(size.height / (size.width * chest)));
  const angles = Array.from({ length: picturesOfMotion }, (_, index) => (index * Math.PI) / 45);
  return angles.map((angle) => {
    const strips = Array.from({ length: views }, (_, view) => {
      const top = Math.round((view * size.height) / views);
      const height = Math.round(((view + 1) * size.height) / views) - top;
      return cover(project(series, angle + (view * Math.PI) / views), { ...size, height }, boneWindow);
    });
    return Buffer.concat(strips);
  });
}

function assemble(
  whole: Size,
  shown: { pictures: readonly Uint8Array[]; bytesPerPixel: 1 | 3; picturesPerSecond: number },
): Scene {
  const { pictures, bytesPerPixel, picturesPerSecond } = shown;
  return {
    isMoving: picturesPerSecond > 0,
    truth(count) {
      const pixels = pictures[pictureOf(count, pictures.length)];
      if (!pixels) throw new Error('There is no such picture');
      const size = { width: whole.width, height: whole.height - stripPx };
      return { ...size, pixels: bytesPerPixel === 1 ? pixels : toGray(pixels) };
    },
    async write(folder) {
      const content: Content = {
        ...{ widthPx: whole.width, heightPx: whole.height },
        ...{ pictures: pictures.length, bytesPerPixel, picturesPerSecond },
      };
      await writeFile(path.join(folder, 'content.json'), JSON.stringify(content));
      await writeFile(path.join(folder, 'content.raw'), Buffer.concat(pictures));
    },
  };
}

/** BT.709 luma of what is shown. */
function toGray(rgb: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: rgb.length / 3 }, (_, index) => {
    const [red = 0, green = 0, blue = 0] = rgb.subarray(index * 3, index * 3 + 3);
    return Math.round(0.2126 * red + 0.7152 * green + 0.0722 * blue);
  });
}
