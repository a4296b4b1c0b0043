import { z } from 'zod';
import { ProviderError, type MachineRequest, type OwnerTag } from '../../port/index.ts';
import { nicCollection, nicNameOf } from './nics.ts';
import { apiVersions, openCollection, resourceSchema, tagsOf, type Context } from './resources.ts';

export type Wanted = { readonly request: MachineRequest; readonly tag: OwnerTag; readonly name: string };

const keySchema = resourceSchema.extend({
  properties: z.object({ publicKey: z.string().nullish() }),
});
export const keyCollection = (
  context: Context,
): ReturnType<typeof openCollection<z.infer<typeof keySchema>>> =>
  openCollection(
    context,
    { type: 'Microsoft.Compute/sshPublicKeys', version: apiVersions.compute },
    keySchema,
  );

/** `osProfile.customData` before base64 (Virtual Machines REST reference). */
const maxCustomDataBytes = 65_535;

/** The body of the PUT that makes a machine: everything that it owns goes with it. */
export async function virtualMachineOf(
  context: Context,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<object> {
  const { settings } = context;
  const { request, tag, name } = wanted;
  const customData = Buffer.from(request.guest.userData, 'utf8');
  if (customData.length > maxCustomDataBytes)
    throw new ProviderError('invalid', `User data is at most ${maxCustomDataBytes} bytes here`);
  const keyData = await keyOf(context, request.keyName, signal);
  return {
    location: settings.location,
    tags: tagsOf(tag),
    ...(request.zone === null ? {} : { zones: [request.zone] }),
    properties: {
      hardwareProfile: { vmSize: request.size },
      storageProfile: {
        imageReference: imageReferenceOf(request.image),
        osDisk: {
          name: `${name}-os`,
          createOption: 'FromImage',
          caching: 'ReadWrite',
          deleteOption: 'Delete',
          managedDisk: { storageAccountType: settings.diskType },
        },
      },
      osProfile: {
        computerName: name,
        adminUsername: settings.adminUser,
        customData: customData.toString('base64'),
        linuxConfiguration: {
          disablePasswordAuthentication: true,
          ssh: { publicKeys: [{ path: `/home/${settings.adminUser}/.ssh/authorized_keys`, keyData }] },
        },
      },
      networkProfile: { networkInterfaces: interfacesOf(context, wanted) },
      diagnosticsProfile: { bootDiagnostics: { enabled: true } },
      ...(settings.hibernation && { additionalCapabilities: { hibernationEnabled: true } }),
    },
  };
}

function interfacesOf(context: Context, { request, name }: Wanted): object[] {
  const nics = nicCollection(context);
  const count = Math.max(1, request.networkRefs.length);
  return Array.from({ length: count }, (_, index) => ({
    id: nics.idOf(nicNameOf(name, index)),
    properties: { primary: index === 0, deleteOption: 'Delete' },
  }));
}

async function keyOf(context: Context, keyName: string | null, signal: AbortSignal): Promise<string> {
  if (keyName === null) return context.settings.sshPublicKey;
  const key = await keyCollection(context).get(keyName, signal);
  if (!key?.properties.publicKey) throw new ProviderError('not-found', `No key ${keyName}`);
  return key.properties.publicKey;
}

function imageReferenceOf(image: string): object {
  if (image.startsWith('/')) return { id: image };
  const [publisher, offer, sku, version, ...rest] = image.split(':');
  if (version === undefined || rest.length > 0)
    throw new ProviderError('invalid', `${image} is neither an id nor publisher:offer:sku:version`);
  return { publisher, offer, sku, version };
}
