import { z } from 'zod';
import { instantSchema, sessionIdSchema, uidSchema } from './ids.ts';
import { annotationSchema, viewLayoutSchema, viewportStateSchema } from './view.ts';

/** What the viewer could say of its pixels in that moment. `local`: the browser drew them itself, nothing was encoded. */
export const pixelRecordSchema = z.object({
  state: z.enum(['moving', 'refining', 'verified', 'mismatch', 'lossy', 'local']),
  /** Of the whole picture (RGBA), where it was verified: what the render node drew and the browser showed. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  /** Of the encoder and its codec, for what was not verified. */
  encoder: z.string().max(40).nullable(),
  /** Of the 256 grays, as measured on the way through that encoder. */
  grayLevels: z.int().min(0).max(256).nullable(),
});
export type PixelRecord = z.infer<typeof pixelRecordSchema>;

const imageSchema = viewportStateSchema
  .omit({ id: true, rectangle: true, imageRectangle: true })
  .extend({ layout: viewLayoutSchema });

/** One image that somebody marked as worth it, or measured on, and how true its pixels were then. */
export const keyImageNoteSchema = z.object({
  kind: z.enum(['key-image', 'measurement']),
  image: imageSchema,
  pixels: pixelRecordSchema,
  /** Of a measurement. */
  measurement: z.object({ id: annotationSchema.shape.id, lengthMm: z.number() }).nullable(),
});
export type KeyImageNote = z.infer<typeof keyImageNoteSchema>;

export const keyImageSchema = keyImageNoteSchema.extend({
  id: z.uuid(),
  sessionId: sessionIdSchema,
  studyInstanceUID: uidSchema,
  by: z.string(),
  at: instantSchema,
});
export type KeyImage = z.infer<typeof keyImageSchema>;

/** Newest first. */
export const keyImageListSchema = z.object({ keyImages: z.array(keyImageSchema) });
