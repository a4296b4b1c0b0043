import { eventTarget } from '@cornerstonejs/core';
import * as tools from '@cornerstonejs/tools';
import type { Annotation, ViewState } from '@medusa/protocol';
import { z } from 'zod';
import { toPoint } from './viewpoint.ts';

/** As many as a view may name. */
const mostMeasurements = 500;

type Measurements = ViewState['measurements'];

const lengthSchema = z.object({
  annotationUID: z.string(),
  metadata: z.object({ toolName: z.literal('Length'), referencedImageId: z.string().optional() }),
  data: z.object({
    cachedStats: z.record(z.string(), z.looseObject({ length: z.number(), unit: z.string() })),
  }),
});

/** The lengths drawn so far that are known in millimetres: an image without spacing has none. */
export function listMeasurements(sopInstanceOf: (imageId: string) => string | null): Measurements {
  const lengths = tools.annotation.state.getAllAnnotations().flatMap((annotation) => {
    const parsed = lengthSchema.safeParse(annotation);
    if (!parsed.success) return [];
    const { annotationUID, metadata, data } = parsed.data;
    const measured = Object.values(data.cachedStats).find(({ unit }) => unit === 'mm');
    if (!measured) return [];
    const imageId = metadata.referencedImageId;
    return [
      {
        id: annotationUID,
        lengthMm: measured.length,
        sopInstanceUID: imageId === undefined ? null : sopInstanceOf(imageId),
      },
    ];
  });
  return lengths.slice(0, mostMeasurements);
}

const pointSchema = z
  .custom<ArrayLike<number>>((value) => typeof value === 'object' && value !== null && 'length' in value)
  .transform(toPoint);
const drawnSchema = z.object({
  annotationUID: z.string(),
  metadata: z.object({
    toolName: z.literal('Length'),
    FrameOfReferenceUID: z.string(),
    referencedImageId: z.string().optional(),
    viewPlaneNormal: pointSchema.optional(),
    viewUp: pointSchema.optional(),
    cameraFocalPoint: pointSchema.optional(),
    sliceIndex: z.int().optional(),
  }),
  data: z.object({
    handles: z.object({
      points: z.tuple([pointSchema, pointSchema]),
      textBox: z
        .object({ hasMoved: z.boolean().optional(), worldPosition: pointSchema.optional() })
        .optional(),
    }),
    cachedStats: z.record(z.string(), z.object({ length: z.number().nullish(), unit: z.string().nullish() })),
  }),
});

/** All lengths drawn so far, with what it takes to draw them again. One that is just being drawn is left out until it has an end. */
export function readAnnotations(): Annotation[] {
  const drawn = tools.annotation.state.getAllAnnotations().flatMap((annotation): Annotation[] => {
    const parsed = drawnSchema.safeParse(annotation);
    if (!parsed.success) return [];
    const { annotationUID, metadata, data } = parsed.data;
    const lengths = Object.entries(data.cachedStats).flatMap(([target, { length, unit }]) =>
      typeof length === 'number' ? [{ target, length, unit: unit ?? '' }] : [],
    );
    const { textBox } = data.handles;
    return [
      {
        id: annotationUID,
        points: data.handles.points,
        frameOfReferenceUID: metadata.FrameOfReferenceUID,
        imageId: metadata.referencedImageId ?? null,
        viewPlaneNormal: metadata.viewPlaneNormal ?? null,
        viewUp: metadata.viewUp ?? null,
        focalPoint: metadata.cameraFocalPoint ?? null,
        sliceIndex: metadata.sliceIndex ?? null,
        textAt: textBox?.hasMoved === true ? (textBox.worldPosition ?? null) : null,
        lengths,
      },
    ];
  });
  return drawn.slice(0, mostMeasurements);
}

/** Draws them where they were. Their lengths are kept until their image is shown, and measured anew then. */
export function restoreAnnotations(annotations: readonly Annotation[]): void {
  const origin = [0, 0, 0] as [number, number, number];
  for (const { id, points, frameOfReferenceUID, lengths, ...where } of annotations) {
    const { imageId, viewPlaneNormal, viewUp, focalPoint, sliceIndex, textAt } = where;
    const worldBoundingBox = { topLeft: origin, topRight: origin, bottomLeft: origin, bottomRight: origin };
    tools.annotation.state.addAnnotation(
      {
        annotationUID: id,
        ...{ highlighted: false, invalidated: true, isLocked: false, isVisible: true },
        metadata: {
          ...{ toolName: 'Length', FrameOfReferenceUID: frameOfReferenceUID },
          ...(imageId !== null && { referencedImageId: imageId }),
          ...(viewPlaneNormal && { viewPlaneNormal }),
          ...(viewUp && { viewUp }),
          ...(focalPoint && { cameraFocalPoint: focalPoint }),
          ...(sliceIndex !== null && { sliceIndex }),
        },
        data: {
          label: '',
          handles: {
            ...{ points: points.map((point) => [...point]), activeHandleIndex: null },
            textBox: { hasMoved: textAt !== null, worldPosition: textAt ?? origin, worldBoundingBox },
          },
          cachedStats: Object.fromEntries(lengths.map(({ target, ...measured }) => [target, measured])),
        },
      },
      frameOfReferenceUID,
    );
  }
}

export function onMeasurementsChanged(listener: () => void): void {
  const { ANNOTATION_COMPLETED, ANNOTATION_MODIFIED, ANNOTATION_REMOVED } = tools.Enums.Events;
  for (const event of [ANNOTATION_COMPLETED, ANNOTATION_MODIFIED, ANNOTATION_REMOVED]) {
    eventTarget.addEventListener(event, listener);
  }
}

export function removeSelectedMeasurements(): void {
  for (const uid of tools.annotation.selection.getAnnotationsSelected()) {
    tools.annotation.state.removeAnnotation(uid);
  }
  const viewportIds = tools.ToolGroupManager.getAllToolGroups().flatMap((group) => group.getViewportIds());
  tools.utilities.triggerAnnotationRenderForViewportIds(viewportIds);
}
