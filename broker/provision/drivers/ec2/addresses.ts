import { z } from 'zod';
import { ProviderError, type Address, type AddressPort } from '../../port/index.ts';
import { ownedBy, parsed, readTags, taggedAs, tagsOf, unlessNotFound } from './client.ts';
import { destroyOnce, type Context } from './context.ts';
import { openOnce } from './once.ts';

const addressSchema = z.object({
  AllocationId: z.string(),
  PublicIp: z.string(),
  AssociationId: z.string().optional(),
  InstanceId: z.string().optional(),
  Tags: z.array(z.object({ Key: z.string(), Value: z.string() })).default([]),
});
type Parsed = z.infer<typeof addressSchema>;

/** Elastic IP addresses, which have no `ClientToken`: see `Once`. `from` names a pool of addresses that the account brought. */
export function addressPort(context: Context): AddressPort {
  const { ec2, recent } = context;
  const once = openOnce(context.now);
  type Query = { Filters?: ReturnType<typeof ownedBy>; AllocationIds?: string[] };
  const find = async (query: Query, signal: AbortSignal): Promise<Parsed[]> => {
    const { Addresses } = await ec2.read(
      async (api, options) => api.describeAddresses(query, options),
      signal,
    );
    return parsed(z.array(addressSchema), Addresses ?? []);
  };
  const addressWith = async (ref: string, signal: AbortSignal): Promise<Parsed | undefined> =>
    (await unlessNotFound(find({ AllocationIds: [ref] }, signal)))?.[0];
  const existing = async (ref: string, signal: AbortSignal): Promise<Parsed> => {
    const address = await addressWith(ref, signal);
    if (!address) throw new ProviderError('not-found', `No address ${ref}`);
    return address;
  };
  const release = async (address: Parsed, signal: AbortSignal): Promise<void> => {
    const { AssociationId } = address;
    if (AssociationId === undefined || AssociationId === '') return;
    await unlessNotFound(
      ec2.change(async (api, options) => api.disassociateAddress({ AssociationId }, options), signal),
    );
  };
  return {
    create: async ({ from }, tag, name, operation) =>
      once(operation, {
        async find() {
          const [there] = await find({ Filters: taggedAs(tag) }, operation.signal);
          return there && addressOf(there);
        },
        async make() {
          const TagSpecifications = tagsOf('elastic-ip', tag, name);
          const pool = from === null ? {} : { PublicIpv4Pool: from };
          const made = await ec2.change(
            async (api, options) =>
              api.allocateAddress({ Domain: 'vpc', TagSpecifications, ...pool }, options),
            operation.signal,
          );
          // The answer tells the address, not the tags that it was given.
          const { AllocationId, PublicIp } = parsed(addressSchema, made);
          recent.add(AllocationId);
          const life = { state: 'running', detail: 'allocated' } as const;
          return {
            ref: AllocationId,
            name,
            tag,
            ...life,
            createdAt: null,
            address: PublicIp,
            assignedTo: null,
          };
        },
      }),
    async get(ref, signal) {
      const address = await addressWith(ref, signal);
      return address && addressOf(address);
    },
    list: async (owner, signal) =>
      (await find({ Filters: ownedBy(owner) }, signal)).flatMap((address) => addressOf(address) ?? []),
    async destroy(ref, { signal }) {
      const address = await addressWith(ref, signal);
      if (address) await release(address, signal);
      await destroyOnce(context, ref, async () =>
        ec2.change(async (api, options) => api.releaseAddress({ AllocationId: ref }, options), signal),
      );
    },
    async assign(ref, machineRef, { signal }) {
      const { InstanceId } = await existing(ref, signal);
      if (InstanceId === machineRef) return;
      const request = { AllocationId: ref, InstanceId: machineRef, AllowReassociation: true };
      await ec2.change(async (api, options) => api.associateAddress(request, options), signal);
    },
    async unassign(ref, { signal }) {
      await release(await existing(ref, signal), signal);
    },
  };
}

function addressOf(address: Parsed): Address | undefined {
  const ours = readTags(address.Tags);
  const { InstanceId } = address;
  const isAssigned = InstanceId !== undefined && InstanceId !== '';
  return (
    ours && {
      ref: address.AllocationId,
      ...ours,
      state: 'running',
      detail: isAssigned ? 'associated' : 'allocated',
      createdAt: null,
      address: address.PublicIp,
      assignedTo: isAssigned ? InstanceId : null,
    }
  );
}
