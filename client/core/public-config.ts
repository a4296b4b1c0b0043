import { applicationSchema } from '@medusa/protocol';
import { z } from 'zod';

/** What the broker tells everybody, logged in or not. */
export const publicConfigSchema = z.object({
  /** The issuer without `/realms/<realm>`. */
  issuerUrl: z.string(),
  realm: z.string(),
  clientId: z.string(),
  /** Where hospital systems send studies. */
  dicom: z.object({ aeTitle: z.string(), host: z.string(), port: z.int() }).nullish(),
  applications: z
    .array(
      applicationSchema.pick({
        ...{ id: true, name: true, description: true, kind: true, modes: true, modalities: true },
      }),
    )
    .optional(),
  /** Who looks and when is drawn over each picture. */
  watermark: z.boolean().optional(),
});
export type PublicConfig = z.infer<typeof publicConfigSchema>;

/** An application as the open menu lists it. */
export type ApplicationChoice = NonNullable<PublicConfig['applications']>[number];
