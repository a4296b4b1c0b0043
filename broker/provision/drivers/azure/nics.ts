import { z } from 'zod';
import { apiVersions, openCollection, resourceSchema, type Collection, type Context } from './resources.ts';

const configurationSchema = z.object({
  name: z.string(),
  properties: z.looseObject({
    privateIPAddress: z.string().nullish(),
    publicIPAddress: z.object({ id: z.string() }).nullish(),
  }),
});

/** A network interface. It is written back as it was read, so that nothing of it is lost. */
const nicSchema = resourceSchema.extend({
  etag: z.string().nullish(),
  location: z.string(),
  properties: z.looseObject({
    provisioningState: z.string().nullish(),
    ipConfigurations: z.array(configurationSchema).min(1),
  }),
});
export type Nic = z.infer<typeof nicSchema>;

export const nicCollection = (context: Context): Collection<Nic> =>
  openCollection(
    context,
    { type: 'Microsoft.Network/networkInterfaces', version: apiVersions.network },
    nicSchema,
  );

/** Of a machine's interfaces the first is the one that addresses are assigned to. */
export const nicNameOf = (machineName: string, index = 0): string => `${machineName}-nic${index}`;

/** undefined: no machine of ours has it. */
export const machineOfNic = (nicName: string): string | undefined => /^(.+)-nic\d+$/.exec(nicName)?.[1];
