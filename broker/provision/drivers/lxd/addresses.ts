import { createHash } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import {
  isProviderFault,
  isSameTag,
  labelsOf,
  ProviderError,
  readLabels,
  type Address,
  type AddressPort,
  type MachinePort,
  type Operation,
  type OwnerTag,
} from '../../port/index.ts';
import { createOnce, ignoring, pathOf, patiently, prefix, rewrite, without, type Lxd } from './client.ts';
import type { LxdSettings } from './settings.ts';

/** LXD REST API, `NetworkForward`. */
const forwardSchema = z.object({
  listen_address: z.string(),
  description: z.string(),
  config: z.record(z.string(), z.string()),
});
type Forward = z.infer<typeof forwardSchema>;
type Pool = LxdSettings['addressPools'][number];

const machineKey = `${prefix}machine`;
const targetKey = 'target_address';
/** So many addresses of a pool are looked at for a free one. */
const maxTries = 4_096;

/**
 * Network forwards: everything that reaches an address of the pool is passed to the machine that has it.
 * `ref` is `<network>/<address>`. Machines must be on the pool's network.
 */
export function lxdAddresses(
  lxd: Lxd,
  machines: MachinePort,
  { addressPools }: Pick<LxdSettings, 'addressPools'>,
): AddressPort {
  const pathTo = (ref: string): string => {
    const [network = '', address = ''] = ref.split('/');
    return pathOf(['networks', network, 'forwards', address]);
  };

  /** The forward keeps pointing to where a machine was when that is gone: it has none then. */
  const toAddress = async (
    network: string,
    forward: Forward,
    signal: AbortSignal,
  ): Promise<Address | undefined> => {
    const labels = readLabels(forward.config, prefix);
    if (!labels) return undefined;
    const { [machineKey]: machineRef, [targetKey]: target } = forward.config;
    const machine =
      machineRef === undefined || target === undefined ? undefined : await machines.get(machineRef, signal);
    return {
      ref: `${network}/${forward.listen_address}`,
      ...labels,
      state: 'running',
      detail: '',
      createdAt: null,
      address: forward.listen_address,
      assignedTo: machine?.ref ?? null,
    };
  };

  const get = async (ref: string, signal: AbortSignal): Promise<Address | undefined> => {
    const found = await lxd.find(forwardSchema, pathTo(ref), signal);
    return found && toAddress(ref.split('/')[0] ?? '', found.value, signal);
  };

  const forwardsOf = async (network: string, signal: AbortSignal): Promise<readonly Forward[]> =>
    lxd.read(z.array(forwardSchema), pathOf(['networks', network, 'forwards'], { recursion: '1' }), signal);

  async function list(owner: string, signal: AbortSignal): Promise<readonly Address[]> {
    const networks = [...new Set(addressPools.map(({ network }) => network))];
    const each = networks.map(async (network) => {
      const forwards = (await forwardsOf(network, signal)).filter(
        ({ config }) => readLabels(config, prefix)?.tag.owner === owner,
      );
      return Promise.all(forwards.map(async (forward) => toAddress(network, forward, signal)));
    });
    return (await Promise.all(each)).flat().filter((address) => address !== undefined);
  }

  async function point(
    ref: string,
    to: { machineRef: string; target: string } | undefined,
    operation: Operation,
  ): Promise<void> {
    const next = ({ description, config }: Forward): object => {
      const target = to && { [machineKey]: to.machineRef, [targetKey]: to.target };
      return { description, config: { ...without(config, machineKey, targetKey), ...target }, ports: [] };
    };
    await rewrite(lxd, { schema: forwardSchema, path: pathTo(ref), next }, operation);
  }

  async function pointTo(ref: string, machineRef: string, operation: Operation): Promise<void> {
    const machine = await machines.get(machineRef, operation.signal);
    if (!machine) throw new ProviderError('not-found', `LXD has no instance ${machineRef}`);
    const family = ipaddr.parse(ref.split('/')[1] ?? '').kind();
    const target = machine.addresses.find((address) => ipaddr.parse(address).kind() === family);
    if (target === undefined) throw new ProviderError('transient', `${machineRef} has no address yet`);
    await point(ref, { machineRef, target }, operation);
  }

  /** `undefined` when somebody else was faster. */
  async function take(
    { network, address }: { network: string; address: string },
    { tag, name }: { tag: OwnerTag; name: string },
    operation: Operation,
  ): Promise<Address | undefined> {
    const path = pathOf(['networks', network, 'forwards']);
    const body = { listen_address: address, description: name, config: labelsOf(tag, name, prefix) };
    return createOnce(
      tag,
      async () => lxd.change(path, { method: 'POST', body }, operation),
      async () => get(`${network}/${address}`, operation.signal),
    ).catch((error: unknown) => {
      if (!isProviderFault(error, 'conflict')) throw error;
      return undefined;
    });
  }

  return {
    get,
    list,

    async create({ from }, tag, name, operation) {
      const pool = addressPools.find(({ name: candidate }) => from === null || candidate === from);
      if (!pool) throw new ProviderError('invalid', `There is no address pool ${from ?? ''}`);
      const present = (await list(tag.owner, operation.signal)).find((one) => isSameTag(one.tag, tag));
      if (present) return present;
      const taken = new Set(
        (await forwardsOf(pool.network, operation.signal)).map(({ listen_address: address }) => address),
      );
      // The same name begins at the same place: two that create it at once meet there, and LXD takes one.
      for (const address of addressesOf(pool, name)) {
        if (taken.has(address)) continue;
        const made = await take({ network: pool.network, address }, { tag, name }, operation);
        if (made) return made;
      }
      throw new ProviderError('capacity', `The address pool ${pool.name} has nothing free`);
    },

    async destroy(ref, operation) {
      if (await get(ref, operation.signal))
        await ignoring(['not-found'], lxd.change(pathTo(ref), { method: 'DELETE' }, operation));
    },

    async assign(ref, machineRef, operation) {
      // A machine that has just begun to run may not have its address yet.
      await patiently(operation, async () => pointTo(ref, machineRef, operation), 40);
    },

    async unassign(ref, operation) {
      await point(ref, undefined, operation);
    },
  };
}

/** Every host address of the pool once, from a place that the name chooses. */
function* addressesOf({ cidr }: Pool, name: string): Generator<string> {
  const [network, prefixLength] = ipaddr.parseCIDR(cidr);
  const bytes = network.toByteArray();
  const size = 2n ** BigInt(bytes.length * 8 - prefixLength);
  const base = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const first = BigInt(`0x${createHash('sha256').update(name).digest('hex').slice(0, 12)}`);
  const isTiny = size <= 2n;
  for (let step = 0n; step < size && step < BigInt(maxTries); step += 1n) {
    const offset = (first + step) % size;
    // The network's own address and IPv4's broadcast are no hosts.
    if (!isTiny && (offset === 0n || offset === size - 1n)) continue;
    yield toText(base + offset, bytes.length);
  }
}

function toText(value: bigint, length: number): string {
  const bytes = Array.from({ length }, (_, index) =>
    Number((value >> BigInt(8 * (length - 1 - index))) & 0xffn),
  );
  return ipaddr.fromByteArray(bytes).toString();
}
