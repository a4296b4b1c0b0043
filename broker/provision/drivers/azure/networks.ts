import type { NetworkSpec } from '@medusa/protocol';
import { z } from 'zod';
import { chooseCidrs } from '../../addresses/index.ts';
import { ProviderError, type Network, type NetworkPort } from '../../port/index.ts';
import {
  apiVersions,
  createOnce,
  isOwnedBy,
  itemOf,
  lifeOf,
  openCollection,
  resourceSchema,
  tagOf,
  tagsOf,
  type Collection,
  type Context,
} from './resources.ts';

const networkSchema = resourceSchema.extend({
  properties: z.object({
    provisioningState: z.string().nullish(),
    addressSpace: z.object({ addressPrefixes: z.array(z.string()) }),
  }),
});
type VirtualNetwork = z.infer<typeof networkSchema>;

const networkCollection = (context: Context): Collection<VirtualNetwork> =>
  openCollection(
    context,
    { type: 'Microsoft.Network/virtualNetworks', version: apiVersions.network },
    networkSchema,
  );

/** A network is a virtual network with one subnet: subnets themselves carry no tags. */
export function networkPort(context: Context): NetworkPort {
  const { settings } = context;
  const networks = networkCollection(context);
  return {
    async create(spec, tag, name, operation) {
      const { signal } = operation;
      signal.throwIfAborted();
      checkSpec(spec);
      const made = await createOnce(networks, { tag, name, operation }, async () => {
        const addressPrefixes = spec.cidrs ?? (await freeCidrs(networks, signal));
        const subnet = { addressPrefixes, ...(spec.hasGateway ? {} : { defaultOutboundAccess: false }) };
        const body = {
          location: settings.location,
          tags: tagsOf(tag),
          properties: {
            addressSpace: { addressPrefixes },
            subnets: [{ name: 'machines', properties: subnet }],
          },
        };
        return (await networks.put(name, body, signal)).thing;
      });
      const network = networkOf(made);
      if (!network) throw new ProviderError('unknown-outcome', `${name} came back without its tags`);
      return network;
    },
    async get(ref, signal) {
      const network = await networks.get(ref, signal);
      return network && networkOf(network);
    },
    list: async (owner, signal) =>
      (await networks.list(signal)).filter(isOwnedBy(owner)).flatMap((one) => networkOf(one) ?? []),
    async destroy(ref, { signal }) {
      const network = await networks.get(ref, signal);
      if (network && tagOf(network)) await networks.delete(ref, signal);
    },
  };
}

/** Private addresses (RFC 1918) that are seldom a hospital's own. */
const pools = [{ prefix: '10.112.0.0/12', subnetLength: 24 }];

/** Azure would let virtual networks overlap; then they could never be joined. */
async function freeCidrs(networks: Collection<VirtualNetwork>, signal: AbortSignal): Promise<string[]> {
  const taken = (await networks.list(signal)).flatMap(
    ({ properties }) => properties.addressSpace.addressPrefixes,
  );
  return chooseCidrs(taken, pools);
}

function checkSpec({ type, dhcp }: NetworkSpec): void {
  if (type !== 'flat')
    throw new ProviderError('invalid', `Azure has no ${type} networks: they are separate by themselves`);
  if (!dhcp) throw new ProviderError('invalid', 'Addresses of a virtual network are handed out by Azure');
}

function networkOf(network: VirtualNetwork): Network | undefined {
  const { provisioningState, addressSpace } = network.properties;
  const item = itemOf(network, lifeOf(provisioningState));
  return item && { ...item, cidrs: addressSpace.addressPrefixes, segment: null };
}
