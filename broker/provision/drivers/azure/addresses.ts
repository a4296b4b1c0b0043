import { z } from 'zod';
import { ProviderError, type Address, type AddressPort } from '../../port/index.ts';
import { machineOfNic, nicCollection, nicNameOf, type Nic } from './nics.ts';
import {
  apiVersions,
  createOnce,
  isOwnedBy,
  itemOf,
  lifeOf,
  nameOfId,
  openCollection,
  resourceSchema,
  tagOf,
  tagsOf,
  type Collection,
  type Context,
} from './resources.ts';

const addressSchema = resourceSchema.extend({
  properties: z.object({
    provisioningState: z.string().nullish(),
    ipAddress: z.string().nullish(),
    ipConfiguration: z.object({ id: z.string() }).nullish(),
  }),
});
type PublicAddress = z.infer<typeof addressSchema>;

const addressCollection = (context: Context): Collection<PublicAddress> =>
  openCollection(
    context,
    { type: 'Microsoft.Network/publicIPAddresses', version: apiVersions.network },
    addressSchema,
  );

/** Static public addresses. `from` names a prefix of public addresses. Azure moves one in two steps: it lets go, then takes. */
export function addressPort(context: Context): AddressPort {
  const { settings } = context;
  const addresses = addressCollection(context);
  const existing = async (ref: string, signal: AbortSignal): Promise<PublicAddress> => {
    const address = await addresses.get(ref, signal);
    if (!address) throw new ProviderError('not-found', `No address ${ref}`);
    return address;
  };
  const release = async (address: PublicAddress, signal: AbortSignal): Promise<void> => {
    const nicName = nicNameIn(address);
    if (nicName !== undefined) await writeAddress(context, { nicName, addressId: null }, signal);
  };
  return {
    async create({ from }, tag, name, operation) {
      operation.signal.throwIfAborted();
      const body = {
        location: settings.location,
        tags: tagsOf(tag),
        sku: { name: 'Standard' },
        properties: {
          publicIPAllocationMethod: 'Static',
          publicIPAddressVersion: 'IPv4',
          ...(from === null ? {} : { publicIPPrefix: { id: prefixIdOf(context, from) } }),
        },
      };
      const made = await createOnce(
        addresses,
        { tag, name, operation },
        async () => (await addresses.put(name, body, operation.signal)).thing,
      );
      const address = addressOf(made);
      if (!address) throw new ProviderError('unknown-outcome', `${name} came back without its tags`);
      return address;
    },
    async get(ref, signal) {
      const address = await addresses.get(ref, signal);
      return address && addressOf(address);
    },
    list: async (owner, signal) =>
      (await addresses.list(signal)).filter(isOwnedBy(owner)).flatMap((one) => addressOf(one) ?? []),
    async destroy(ref, { signal }) {
      const address = await addresses.get(ref, signal);
      if (!address || !tagOf(address)) return;
      await release(address, signal);
      await addresses.delete(ref, signal);
    },
    async assign(ref, machineRef, { signal }) {
      const address = await existing(ref, signal);
      const nicName = nicNameOf(machineRef);
      if (nicNameIn(address) === nicName) return;
      if (!(await nicCollection(context).get(nicName, signal)))
        throw new ProviderError('not-found', `No machine ${machineRef}`);
      await release(address, signal);
      await writeAddress(context, { nicName, addressId: addresses.idOf(ref) }, signal);
    },
    async unassign(ref, { signal }) {
      await release(await existing(ref, signal), signal);
    },
  };
}

function prefixIdOf({ settings: { subscription, resourceGroup } }: Context, ref: string): string {
  if (ref.startsWith('/')) return ref;
  return `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/Microsoft.Network/publicIPPrefixes/${ref}`;
}

/** …/networkInterfaces/NAME/ipConfigurations/NAME */
function nicNameIn({ properties }: PublicAddress): string | undefined {
  const id = properties.ipConfiguration?.id;
  return id === undefined ? undefined : nameOfId(id.split('/').slice(0, -2).join('/'));
}

/** Writes an interface back with that address on its first configuration; its etag keeps what others wrote in between. */
async function writeAddress(
  context: Context,
  { nicName, addressId }: { nicName: string; addressId: string | null },
  signal: AbortSignal,
): Promise<void> {
  const { arm } = context;
  const nics = nicCollection(context);
  const nic = await nics.get(nicName, signal);
  if (!nic) return;
  const answer = await arm.call(
    {
      method: 'PUT',
      url: nics.url(nicName),
      body: withAddress(nic, addressId),
      ...(nic.etag ? { headers: { 'if-match': nic.etag } } : {}),
    },
    signal,
  );
  await arm.finish(answer, signal);
}

function withAddress({ location, tags, properties }: Nic, addressId: string | null): object {
  const [first, ...others] = properties.ipConfigurations;
  // null: without one. ARM takes it as if it were not there.
  const publicIPAddress = addressId === null ? null : { id: addressId };
  const written = { ...first?.properties, publicIPAddress };
  return {
    location,
    tags,
    properties: { ...properties, ipConfigurations: [{ ...first, properties: written }, ...others] },
  };
}

function addressOf(address: PublicAddress): Address | undefined {
  const { provisioningState, ipAddress } = address.properties;
  const item = itemOf(address, lifeOf(provisioningState));
  const nicName = nicNameIn(address);
  return (
    item && {
      ...item,
      // It is told when it was found, which is a moment after it was accepted.
      state: item.state === 'running' && !ipAddress ? 'pending' : item.state,
      address: ipAddress ?? '',
      assignedTo: nicName === undefined ? null : (machineOfNic(nicName) ?? null),
    }
  );
}
