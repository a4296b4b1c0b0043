import type { ViewportState } from '@medusa/protocol';
import type { Types } from '@cornerstonejs/core';
import type { Vector } from './series.ts';

type Rectangle = ViewportState['rectangle'];

interface ImagePlane {
  readonly origin: readonly number[];
  readonly direction: ArrayLike<number>;
  readonly spacing: readonly number[];
  readonly dimensions: readonly number[];
}

/** Where an element lies in the page. */
export function rectangleOf(element: HTMLElement): Rectangle {
  const { x, y, width, height } = element.getBoundingClientRect();
  return { x, y, width, height };
}

interface ImageCorners {
  readonly plane: ImagePlane;
  readonly worldToCanvas: (point: Types.Point3) => Types.Point2;
  /** The index of the outer corner of the first pixel in the renderer's own counting. */
  readonly firstCorner: number;
}

/** Where the whole image lies in the canvas, from the outer corner of the first pixel to that of the last one. */
export function imageRectangle({ plane, worldToCanvas, firstCorner }: ImageCorners): Rectangle {
  const [columns = 0, rows = 0] = plane.dimensions;
  const [x1, y1] = worldToCanvas(indexToWorld(plane, firstCorner, firstCorner));
  const [x2, y2] = worldToCanvas(indexToWorld(plane, columns + firstCorner, rows + firstCorner));
  return { x: Math.min(x1, x2), y: Math.min(y1, y2), width: Math.abs(x2 - x1), height: Math.abs(y2 - y1) };
}

export function moveBy(rectangle: Rectangle, { x, y }: Rectangle): Rectangle {
  return { ...rectangle, x: rectangle.x + x, y: rectangle.y + y };
}

function indexToWorld({ origin, direction, spacing }: ImagePlane, column: number, row: number): Types.Point3 {
  const along = (axis: number): number =>
    (origin[axis] ?? 0) +
    column * (spacing[0] ?? 1) * (direction[axis] ?? 0) +
    row * (spacing[1] ?? 1) * (direction[axis + 3] ?? 0);
  return [along(0), along(1), along(2)];
}

/** The directions in the patient that run to the right and down in a camera's picture. */
export function cameraAxes(viewUp: Vector, viewPlaneNormal: Vector): { right: Vector; down: Vector } {
  const [ux, uy, uz] = viewUp;
  const [nx, ny, nz] = viewPlaneNormal;
  return {
    right: [uy * nz - uz * ny, uz * nx - ux * nz, ux * ny - uy * nx],
    down: [-ux, -uy, -uz],
  };
}
