import { z } from 'zod';
import {
  isProviderFault,
  isSameTag,
  labelsOf,
  ProviderError,
  readLabels,
  type Network,
  type NetworkPort,
} from '../../port/index.ts';
import { changed, found, parsed, raced, told, type Engine } from './client.ts';

/** Docker Engine API, `Network`. */
const networkSchema = z.object({
  Name: z.string(),
  Labels: z.record(z.string(), z.string()).nullish(),
  IPAM: z.object({ Config: z.array(z.object({ Subnet: z.string() })).nullish() }).nullish(),
  Created: z.string().optional(),
});

/** Bridge networks of one host. `ref` is the name. Docker hands out addresses itself, with and without DHCP wished for. */
export function dockerNetworks(engine: Engine): NetworkPort {
  const get = async (ref: string, signal: AbortSignal): Promise<Network | undefined> => {
    const answer = await found(async () => raced(signal, async () => engine.getNetwork(ref).inspect()));
    return answer === undefined ? undefined : toNetwork(answer);
  };

  return {
    get,

    async create(spec, tag, name, operation) {
      if (spec.type !== 'flat') throw new ProviderError('invalid', `Docker's bridges are no ${spec.type}`);
      // Docker itself may let two networks have one name.
      const present = await get(name, operation.signal);
      if (present) return ours(present);
      try {
        await told(true, async () =>
          engine.createNetwork({
            Name: name,
            CheckDuplicate: true,
            Driver: 'bridge',
            Internal: !spec.hasGateway,
            EnableIPv6: spec.cidrs?.some((cidr) => cidr.includes(':')) ?? false,
            Labels: labelsOf(tag, name),
            ...(spec.cidrs && {
              IPAM: { Driver: 'default', Config: spec.cidrs.map((cidr) => ({ Subnet: cidr })) },
            }),
            abortSignal: operation.signal,
          }),
        );
      } catch (error) {
        if (!isProviderFault(error, 'conflict')) throw error;
        const other = await get(name, operation.signal);
        if (!other) throw error;
        return ours(other);
      }
      const made = await get(name, operation.signal);
      if (!made) throw new ProviderError('transient', `The network ${name} is gone already`);
      return made;

      function ours(network: Network): Network {
        if (isSameTag(network.tag, tag)) return network;
        throw new ProviderError('conflict', `The network ${name} is of ${network.tag.resource}`);
      }
    },

    async list(owner, signal) {
      const filters = { label: [`medusa-owner=${owner}`] };
      const answers = await told(false, async () => engine.listNetworks({ filters, abortSignal: signal }));
      return answers
        .map((answer) => toNetwork(answer))
        .filter((network) => network !== undefined)
        .filter(({ tag }) => tag.owner === owner);
    },

    async destroy(ref, { signal }) {
      if (!(await get(ref, signal))) return;
      await changed(async () => engine.getNetwork(ref).remove({ abortSignal: signal })).catch(
        (error: unknown) => {
          if (!isProviderFault(error, 'not-found')) throw error;
        },
      );
    },
  };
}

function toNetwork(answer: unknown): Network | undefined {
  const { Name, Labels, IPAM, Created } = parsed(networkSchema, answer);
  const labels = readLabels(Labels ?? {});
  return (
    labels && {
      ref: Name,
      ...labels,
      state: 'running',
      detail: '',
      createdAt: Created === undefined ? null : new Date(Created),
      cidrs: (IPAM?.Config ?? []).map(({ Subnet }) => Subnet),
      segment: null,
    }
  );
}
