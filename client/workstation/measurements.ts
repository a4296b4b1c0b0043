import { eventTarget } from '@cornerstonejs/core';
import * as tools from '@cornerstonejs/tools';
import type { ViewState } from '@medusa/protocol';
import { z } from 'zod';

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
