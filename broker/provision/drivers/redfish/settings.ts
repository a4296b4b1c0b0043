import { architectureSchema } from '@medusa/protocol';
import { z } from 'zod';

export const settingsSchema = z.strictObject({
  /** A management controller, or a service that aggregates many, e.g. `https://bmc.example.org`. */
  endpoint: z.url(),
  ca: z.string().optional(),
  /** What a machine can boot. In `url` the word `{name}` stands for the machine's name, so that each gets its own seed. */
  images: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,39}$/),
        url: z.url().nullable().default(null),
        architecture: architectureSchema.nullable().default(null),
      }),
    )
    .min(1),
  /** How it boots: from the image as virtual medium, or from the network (then the image's `url` is not used). */
  bootFrom: z.enum(['Cd', 'Pxe', 'UefiHttp']).default('Cd'),
  /** Wipes every drive before a machine is free again: nothing of a patient may outlive its use. */
  eraseDrives: z.boolean().default(true),
});
export type Settings = z.infer<typeof settingsSchema>;
