import { frameOfTile, type Slide, type SlideLevel } from './slide-metadata.ts';

/** Where somebody looks: the point of the largest level in the middle of the screen, its px a px of the screen, the turn clockwise. */
export interface SlideViewpoint {
  readonly centerX: number;
  readonly centerY: number;
  readonly resolution: number;
  readonly rotation: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** As OpenLayers chooses: the level whose own resolution is nearest. */
export function levelIndexAt(levels: readonly SlideLevel[], resolution: number): number {
  const base = levels.at(-1);
  if (!base) return 0;
  const distances = levels.map((level) => Math.abs(base.columns / level.columns - resolution));
  return distances.lastIndexOf(Math.min(...distances));
}

/** Where the whole slide lies on the screen; of a slide that is turned by other than right angles, what is around it. */
export function slideRectangle(
  { columns, rows }: SlideLevel,
  viewpoint: SlideViewpoint,
  stage: Size,
): { x: number; y: number; width: number; height: number } {
  const corners = [
    [0, 0],
    [columns, 0],
    [0, rows],
    [columns, rows],
  ].map(([x = 0, y = 0]) => toScreen({ x, y }, viewpoint, stage));
  const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

function toScreen(
  { x, y }: { readonly x: number; readonly y: number },
  { centerX, centerY, resolution, rotation }: SlideViewpoint,
  stage: Size,
): { x: number; y: number } {
  const [across, down] = [(x - centerX) / resolution, (y - centerY) / resolution];
  const [cos, sin] = [Math.cos(rotation), Math.sin(rotation)];
  return { x: stage.width / 2 + cos * across - sin * down, y: stage.height / 2 + sin * across + cos * down };
}

/** At one px of the slide a px of the screen, the middle that has them lie on each other: then nothing is blended. */
export function onWholePixels(viewpoint: SlideViewpoint, stage: Size): SlideViewpoint {
  const isTurned = Math.abs(Math.sin(viewpoint.rotation)) > 0.5;
  const [width, height] = isTurned ? [stage.height, stage.width] : [stage.width, stage.height];
  const snap = (center: number, side: number): number => Math.round(center - side / 2) + side / 2;
  return {
    ...viewpoint,
    centerX: snap(viewpoint.centerX, width),
    centerY: snap(viewpoint.centerY, height),
  };
}

/** The tile in the middle of the screen, as a frame of its level, from one; the first where it has none. */
export function frameAt({ levels }: Slide, levelIndex: number, viewpoint: SlideViewpoint): number {
  const [level, base] = [levels[levelIndex], levels.at(-1)];
  if (!level || !base) return 1;
  const column = Math.floor((viewpoint.centerX * (level.columns / base.columns)) / level.tileColumns);
  const row = Math.floor((viewpoint.centerY * (level.rows / base.rows)) / level.tileRows);
  return frameOfTile(level, column, row) ?? 1;
}

/** mm along a line across the screen that is one px long. */
export function mmPerPx({ spacingMm }: Slide, { resolution, rotation }: SlideViewpoint): number | null {
  if (!spacingMm) return null;
  return resolution * Math.hypot(Math.cos(rotation) * spacingMm.column, Math.sin(rotation) * spacingMm.row);
}

const steps = [1, 2, 5];

/** The longest round length that takes at most so many px. */
export function scaleBar(mm: number, mostPx: number): { readonly px: number; readonly label: string } {
  const mostMicrons = mm * 1_000 * mostPx;
  const power = 10 ** Math.floor(Math.log10(mostMicrons));
  const microns = power * (steps.findLast((step) => step * power <= mostMicrons) ?? 1);
  const label = microns >= 1_000 ? `${round(microns / 1_000)} mm` : `${round(microns)} µm`;
  return { px: microns / (mm * 1_000), label };
}

function round(value: number): number {
  return Number(value.toPrecision(6));
}
