import { z } from 'zod';
import { uidSchema } from './ids.ts';

const rectangleSchema = z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() });

/** One slice at a time, three planes, or a whole slide under the microscope. */
export const viewLayoutSchema = z.enum(['stack', 'mpr', 'slide']);

/** One viewport of the workstation as it is drawn now. Rectangles are CSS px from the page's top left corner. */
export const viewportStateSchema = z.object({
  id: z.string().max(40),
  kind: viewLayoutSchema,
  rectangle: rectangleSchema,
  /** Where the whole image lies; may reach beyond `rectangle` when zoomed. Null in MPR. */
  imageRectangle: rectangleSchema.nullable(),
  seriesInstanceUID: uidSchema,
  sopInstanceUID: uidSchema.nullable(),
  frame: z.int().positive(),
  /** Of a slide: the level that is seen, the coarsest being 0. */
  sliceIndex: z.int().nonnegative(),
  sliceCount: z.int().nonnegative(),
  /** DICOM PS3.3 §C.11.2.1.2, linear. */
  windowCenter: z.number(),
  windowWidth: z.number(),
  zoom: z.number(),
  invert: z.boolean(),
  /** Of a slide: the pixel of its largest level in the middle, how many of them a px is wide, and the turn clockwise in radians. */
  slide: z
    .object({
      centerX: z.number(),
      centerY: z.number(),
      resolution: z.number().positive(),
      rotation: z.number(),
    })
    .optional(),
});
export type ViewportState = z.infer<typeof viewportStateSchema>;

/** In the patient's coordinates, mm (DICOM PS3.3 §C.7.6.2). */
const pointSchema = z.tuple([z.number(), z.number(), z.number()]);

/** From where a viewport looks at the patient. */
export const viewpointSchema = z.object({
  viewportId: z.string().max(40),
  focalPoint: pointSchema,
  position: pointSchema,
  viewUp: pointSchema,
  viewPlaneNormal: pointSchema,
  /** Half of the viewport's height, in mm. */
  parallelScale: z.number().positive(),
  /** Of the slab that a plane of an MPR shows; null: of a slice. */
  slabThicknessMm: z.number().nonnegative().nullable(),
});
export type Viewpoint = z.infer<typeof viewpointSchema>;

/** A length that somebody drew, with all it takes to draw it again. */
export const annotationSchema = z.object({
  id: z.string().max(80),
  points: z.tuple([pointSchema, pointSchema]),
  frameOfReferenceUID: z.string().max(64),
  /** The image it was drawn on, by the workstation's own name; null where it was drawn on a plane between images. */
  imageId: z.string().max(500).nullable(),
  viewPlaneNormal: pointSchema.nullable(),
  viewUp: pointSchema.nullable(),
  focalPoint: pointSchema.nullable(),
  sliceIndex: z.int().nonnegative().nullable(),
  /** Where its text was put by hand. */
  textAt: pointSchema.nullable(),
  /** Its length on each target it was measured on; in px where an image has no spacing. */
  lengths: z
    .array(z.object({ target: z.string().max(600), length: z.number(), unit: z.string().max(20) }))
    .max(16),
});
export type Annotation = z.infer<typeof annotationSchema>;

/** What it takes, beside what is seen, to show just the same again somewhere else. */
export const resumptionSchema = z.object({
  page: z.object({ widthPx: z.int().positive(), heightPx: z.int().positive() }),
  /** Of every viewport of the layout, also those that a maximised one covers. */
  viewpoints: z.array(viewpointSchema).max(16),
  isMaximised: z.boolean(),
  /** False: the image's own window holds, slice by slice. */
  isWindowChosen: z.boolean(),
  /** To which slice the stack goes back from an MPR. */
  stackIndex: z.int().nonnegative(),
  isRailHidden: z.boolean(),
  annotations: z.array(annotationSchema).max(500),
});
export type Resumption = z.infer<typeof resumptionSchema>;

/** What the workstation shows: told to the viewer page so that it can name it, and to tests so that they can check it. */
export const viewStateSchema = z.object({
  /** Grows by one with each state told. */
  revision: z.int().nonnegative(),
  studyInstanceUID: uidSchema,
  layout: viewLayoutSchema,
  tool: z.string().max(40),
  rendering: z.enum(['cpu', 'webgl']),
  activeViewportId: z.string().max(40),
  /** True once every visible viewport shows a picture. */
  ready: z.boolean(),
  viewports: z.array(viewportStateSchema).max(16),
  measurements: z
    .array(z.object({ id: z.string().max(80), lengthMm: z.number(), sopInstanceUID: uidSchema.nullable() }))
    .max(500),
  /** Absent: of an older workstation, or as long as it shows nothing. */
  resumption: resumptionSchema.optional(),
});
export type ViewState = z.infer<typeof viewStateSchema>;
