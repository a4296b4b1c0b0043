import { z } from 'zod';
import { transferSchema } from './transfer.ts';

const sessionModes = z.enum(['streamed', 'local']);

/** One application that a session can run. */
export const applicationSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]{1,40}$/),
  name: z.string().min(1).max(80),
  description: z.string().max(400),
  /** `workstation` and `slides` are pages of our own, in a kiosk browser or in the user's; `x11` is any X11 program. */
  kind: z.enum(['workstation', 'slides', 'x11']),
  /**
   * Program and arguments, no shell. Placeholders: `{studyDir}` the folder with the study's files,
   * `{firstFile}` the first image in it, `{width}` and `{height}` of the display in px.
   */
  command: z.array(z.string()).default([]),
  /** Debian packages that a render node needs for it. */
  packages: z.array(z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/)).default([]),
  /** How the application gets the study. `files` are Explicit VR Little Endian renditions. */
  studyAccess: z.enum(['dicomweb', 'files']),
  resources: z.strictObject({ memoryMiB: z.int().positive(), cpus: z.number().positive() }),
  /** Modes in which it can run. */
  modes: z.array(sessionModes).min(1),
  /** For studies with one of these (0008,0060) it is the first choice, and for others it is none; absent: for any study. */
  modalities: z
    .array(z.string().regex(/^[A-Z0-9_]{1,16}$/))
    .min(1)
    .optional(),
  /** What may pass between its display and the user's clipboard at most; absent: whatever the user's role may. */
  transfers: z.array(transferSchema).optional(),
  /** It may run in two parts, one that reads next to the data and one that shows what the first one sends. */
  canSplit: z.literal(true).optional(),
});
export type Application = z.infer<typeof applicationSchema>;
