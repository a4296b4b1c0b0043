import type { Viewpoint } from '@medusa/protocol';
import type { Types } from '@cornerstonejs/core';

type Camera = Types.ICamera;
type Point = Viewpoint['focalPoint'];

/** Undefined as long as there is nothing to look at. */
export function toViewpoint(
  viewportId: string,
  camera: Camera,
  slabThicknessMm: number | null,
): Viewpoint | undefined {
  const { focalPoint, position, viewUp, viewPlaneNormal, parallelScale } = camera;
  if (!focalPoint || !position || !viewUp || !viewPlaneNormal || !parallelScale) return undefined;
  return {
    viewportId,
    focalPoint: toPoint(focalPoint),
    position: toPoint(position),
    viewUp: toPoint(viewUp),
    viewPlaneNormal: toPoint(viewPlaneNormal),
    parallelScale,
    slabThicknessMm,
  };
}

export function toCamera({
  focalPoint,
  position,
  viewUp,
  viewPlaneNormal,
  parallelScale,
}: Viewpoint): Camera {
  return { focalPoint, position, viewUp, viewPlaneNormal, parallelScale };
}

/** Cornerstone keeps points as arrays of either kind. */
export function toPoint(point: ArrayLike<number>): Point {
  return [point[0] ?? 0, point[1] ?? 0, point[2] ?? 0];
}
