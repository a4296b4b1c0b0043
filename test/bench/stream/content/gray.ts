import type { CtSeries } from './ct-series.ts';

export type Size = { readonly width: number; readonly height: number };
export type Window = { readonly center: number; readonly width: number };
type Image = Size & {
  readonly values: ArrayLike<number>;
  /** A pixel is so many times as high as wide. */
  readonly aspect?: number;
};

const air = -1_000;
/** Lung, as radiologists read it. */
export const lungWindow: Window = { center: -600, width: 1_500 };
/** Of the mediastinum: noise is seen in it. */
export const softTissueWindow: Window = { center: 40, width: 400 };
/** Bone and contrast agent: what a projection of the brightest shows. */
export const boneWindow: Window = { center: 250, width: 900 };

/** As gray levels, so enlarged that it covers `target` around its middle, bilinear between pixel centres. */
export function cover(image: Image, target: Size, window: Window): Uint8Array {
  const { aspect = 1 } = image;
  const scaleX = Math.max(target.width / image.width, target.height / (image.height * aspect));
  return resample(image, target, { scaleX, scaleY: scaleX * aspect, window });
}

function resample(
  image: Image,
  target: Size,
  { scaleX, scaleY, window }: { scaleX: number; scaleY: number; window: Window },
): Uint8Array {
  const pixels = new Uint8Array(target.width * target.height);
  const at = (column: number, row: number): number =>
    column < 0 || column >= image.width
      ? air
      : (image.values[clamp(row, image.height) * image.width + column] ?? 0);
  const low = window.center - window.width / 2;
  for (let y = 0; y < target.height; y += 1) {
    const v = (y + 0.5 - target.height / 2) / scaleY + image.height / 2 - 0.5;
    const [row, fv] = [Math.floor(v), v - Math.floor(v)];
    for (let x = 0; x < target.width; x += 1) {
      const u = (x + 0.5 - target.width / 2) / scaleX + image.width / 2 - 0.5;
      const [column, fu] = [Math.floor(u), u - Math.floor(u)];
      const top = at(column, row) * (1 - fu) + at(column + 1, row) * fu;
      const bottom = at(column, row + 1) * (1 - fu) + at(column + 1, row + 1) * fu;
      const value = top * (1 - fv) + bottom * fv;
      pixels[y * target.width + x] = Math.min(
        255,
        Math.max(0, Math.round(((value - low) / window.width) * 255)),
      );
    }
  }
  return pixels;
}

function clamp(value: number, length: number): number {
  return Math.min(length - 1, Math.max(0, value));
}

/** The brightest along each ray through the body, seen from `angle` around its long axis: parallel rays, nearest of every other pixel. */
export function project(series: CtSeries, angle: number): Image {
  const width = Math.floor(series.columns / 2);
  const height = series.slices.length;
  const values = new Int16Array(width * height).fill(air);
  for (let u = 0; u < width; u += 1) {
    for (const offset of rayThrough(series, { u, width, angle })) {
      series.slices.forEach((slice, z) => {
        const at = z * width + u;
        values[at] = Math.max(values[at] ?? air, slice[offset] ?? air);
      });
    }
  }
  // A pixel of it stands for two columns of a slice, and for the distance of two slices.
  return { width, height, values, aspect: series.stepPx / 2 };
}

/** Where in a slice the ray comes by, as offsets of pixels. */
function rayThrough(
  { columns, rows }: CtSeries,
  { u, width, angle }: { u: number; width: number; angle: number },
): number[] {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const middle = columns / 2;
  return Array.from({ length: width }, (_, depth) => {
    const [s, t] = [2 * u - middle, 2 * depth - middle];
    const column = Math.round(middle + s * cos - t * sin);
    const row = Math.round(middle + s * sin + t * cos);
    return column < 0 || row < 0 || column >= columns || row >= rows ? -1 : row * columns + column;
  }).filter((offset) => offset >= 0);
}
