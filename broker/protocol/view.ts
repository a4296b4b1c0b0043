import { z } from 'zod';
import { uidSchema } from './ids.ts';

const rectangleSchema = z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() });

/** One viewport of the workstation as it is drawn now. Rectangles are CSS px from the page's top left corner. */
export const viewportStateSchema = z.object({
  id: z.string().max(40),
  kind: z.enum(['stack', 'mpr']),
  rectangle: rectangleSchema,
  /** Where the whole image lies; may reach beyond `rectangle` when zoomed. Null in MPR. */
  imageRectangle: rectangleSchema.nullable(),
  seriesInstanceUID: uidSchema,
  sopInstanceUID: uidSchema.nullable(),
  frame: z.int().positive(),
  sliceIndex: z.int().nonnegative(),
  sliceCount: z.int().nonnegative(),
  /** DICOM PS3.3 §C.11.2.1.2, linear. */
  windowCenter: z.number(),
  windowWidth: z.number(),
  zoom: z.number(),
  invert: z.boolean(),
});
export type ViewportState = z.infer<typeof viewportStateSchema>;

/** What the workstation shows: told to the viewer page so that it can name it, and to tests so that they can check it. */
export const viewStateSchema = z.object({
  /** Grows by one with each state told. */
  revision: z.int().nonnegative(),
  studyInstanceUID: uidSchema,
  layout: z.enum(['stack', 'mpr']),
  tool: z.string().max(40),
  rendering: z.enum(['cpu', 'webgl']),
  activeViewportId: z.string().max(40),
  /** True once every visible viewport shows a picture. */
  ready: z.boolean(),
  viewports: z.array(viewportStateSchema).max(16),
  measurements: z
    .array(z.object({ id: z.string().max(80), lengthMm: z.number(), sopInstanceUID: uidSchema.nullable() }))
    .max(500),
});
export type ViewState = z.infer<typeof viewStateSchema>;
