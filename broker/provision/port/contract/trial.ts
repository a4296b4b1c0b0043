import { randomBytes } from 'node:crypto';
import type { ImageSpec, NetworkSpec, ResourceKind, SecurityRule } from '@medusa/protocol';
import ipaddr from 'ipaddr.js';
import { expect } from 'vitest';
import type { MachineRequest, ProviderDriver, VolumeRequest } from '../driver.ts';
import { nameOf, type Item, type Operation, type OwnerTag, type ResourcePort } from '../resource.ts';

/** A provider as the contract needs it. */
export type DriverUnderTest = AsyncDisposable & {
  /** Opened anew it is the same provider, as after a restart of the broker. */
  open(): Promise<ProviderDriver>;
  /** A machine this provider can make. */
  readonly machine: MachineRequest;
  /** How many things of any owner of that kind the provider holds in truth, asked behind the driver's back. */
  count(kind: ResourceKind): Promise<number>;
  /** Ends a machine (or puts it into error) behind the driver's back; absent where that cannot be done. */
  breakMachine?(ref: string): Promise<void>;
  readonly volume?: VolumeRequest;
  readonly network?: NetworkSpec;
  /** The pool that addresses come from. */
  readonly from?: string | null;
  readonly image?: ImageSpec & { readonly file: string; readonly contentHash: string };
  /** Rules that this provider can express. */
  readonly rules?: readonly SecurityRule[];
  /** How long anything may take to get where it goes. Default 20 000. */
  readonly timeoutMs?: number;
};

/** No step waits longer than `timeoutMs`; this bounds a whole test of several steps. */
export const testLimitMs = 900_000;

const commonRules: readonly SecurityRule[] = [
  { direction: 'in', protocol: 'tcp', fromPort: 443, toPort: 443, remote: '192.0.2.0/24' },
  { direction: 'in', protocol: 'udp', fromPort: 40_000, toPort: 40_100, remote: '198.51.100.0/24' },
  { direction: 'in', protocol: 'tcp', fromPort: 104, toPort: 104, remote: 'group' },
];

/** One test's use of a provider: owners of its own, and everything of theirs is gone after it. */
export type Trial = {
  readonly provider: DriverUnderTest;
  readonly driver: ProviderDriver;
  readonly timeoutMs: number;
  /** Another broker on the same provider. */
  readonly reopen: () => Promise<ProviderDriver>;
  readonly owner: () => string;
  readonly tag: (resource: string, options?: { owner?: string; incarnation?: number }) => OwnerTag;
  readonly operation: (id?: string) => Operation;
  readonly signal: () => AbortSignal;
  /** Creates, and waits until it can be used. */
  readonly make: <Spec, Thing extends Item>(
    kind: ResourceKind,
    port: ResourcePort<Spec, Thing>,
    options: { spec: Spec; resource: string },
  ) => Promise<Thing>;
  readonly until: <Value>(read: () => Promise<Value>, expected: unknown) => Promise<void>;
  /** Everything of one kind that is there, as the provider itself counts it, since the test began. */
  readonly added: (kind: ResourceKind) => Promise<number>;
  readonly end: () => Promise<void>;
};

export async function beginTrial(provider: DriverUnderTest): Promise<Trial> {
  const timeoutMs = provider.timeoutMs ?? 20_000;
  // A stand-in answers at once; a real server that needs long is not to be kept busy with questions.
  const interval = timeoutMs > 20_000 ? 250 : 20;
  const driver = await provider.open();
  const opened = [driver];
  const owners: string[] = [];
  const before = new Map<ResourceKind, number>();
  for (const kind of kindsOf(driver)) before.set(kind, await provider.count(kind));
  const signal = (): AbortSignal => AbortSignal.timeout(timeoutMs);
  const owner = (): string => {
    const name = `t${randomBytes(4).toString('hex').slice(1)}`;
    owners.push(name);
    return name;
  };
  const own = owner();
  const operation = (id = `op-${randomBytes(8).toString('hex')}`): Operation => ({ id, signal: signal() });
  const until = async <Value>(read: () => Promise<Value>, expected: unknown): Promise<void> =>
    expect.poll(read, { timeout: timeoutMs, interval }).toMatchObject(expected as object);
  const tag: Trial['tag'] = (resource, { owner: named = own, incarnation = 1 } = {}) => ({
    owner: named,
    resource,
    incarnation,
  });
  const removeAll = async (kind: ResourceKind, named: string): Promise<void> => {
    const port = portOf(driver, kind);
    const asked = new Set<string>();
    // What was made last may show itself only while the others go.
    const remove = async (): Promise<{ left: number }> => {
      const left = await alive(port, named, signal());
      for (const { ref } of left.filter((item) => !asked.has(item.ref))) {
        await port.destroy(ref, operation());
        asked.add(ref);
      }
      return { left: left.length };
    };
    await until(remove, { left: 0 });
  };
  return {
    provider,
    driver,
    timeoutMs,
    owner,
    tag,
    operation,
    signal,
    until,
    async reopen() {
      const another = await provider.open();
      opened.push(another);
      return another;
    },
    async make(kind, port, { spec, resource }) {
      const made = await port.create(spec, tag(resource), nameOf(kind, tag(resource)), operation());
      await until(async () => lifeOf(await port.get(made.ref, signal())), { state: 'running' });
      const ready = await port.get(made.ref, signal());
      if (!ready) throw new Error(`${made.ref} was there and is not any more`);
      return ready;
    },
    added: async (kind) => (await provider.count(kind)) - (before.get(kind) ?? 0),
    async end() {
      try {
        // What uses another thing goes before it.
        for (const kind of kindsOf(driver)) for (const named of owners) await removeAll(kind, named);
      } finally {
        for (const one of opened) await one[Symbol.asyncDispose]();
      }
    },
  };
}

/** What a test looks at of a thing, or that it is not there. */
export function lifeOf(item: Item | undefined): { state: string; detail: string } {
  return item ? { state: item.state, detail: item.detail } : { state: 'not there', detail: '' };
}

export const isGone = (item: Item | undefined): boolean => item === undefined || item.state === 'terminated';

export async function alive(
  port: ResourcePort<never, Item>,
  owner: string,
  signal: AbortSignal,
): Promise<readonly Item[]> {
  return (await port.list(owner, signal)).filter((item) => !isGone(item));
}

type AnyPort = ResourcePort<never, Item>;

const ports = {
  machine: (driver: ProviderDriver): AnyPort => driver.machines,
  volume: (driver: ProviderDriver): AnyPort | undefined => driver.volumes,
  snapshot: (driver: ProviderDriver): AnyPort | undefined => driver.snapshots,
  address: (driver: ProviderDriver): AnyPort | undefined => driver.addresses,
  network: (driver: ProviderDriver): AnyPort | undefined => driver.networks,
  'security-group': (driver: ProviderDriver): AnyPort | undefined => driver.securityGroups,
  image: (driver: ProviderDriver): AnyPort | undefined => driver.images,
} satisfies Record<ResourceKind, unknown>;

/** In the order in which they can be taken away: a volume may not go before its snapshots. */
const removalOrder: readonly ResourceKind[] = [
  'machine',
  'snapshot',
  'volume',
  'address',
  'security-group',
  'network',
  'image',
];

function kindsOf(driver: ProviderDriver): readonly ResourceKind[] {
  return removalOrder.filter((kind) => ports[kind](driver) !== undefined);
}

function portOf(driver: ProviderDriver, kind: ResourceKind): AnyPort {
  const port = ports[kind](driver);
  if (!port) throw new Error(`${driver.kind} has no ${kind}`);
  return port;
}

/** A kind with what a test creates of it; undefined where the provider has none. */
export async function sampleOf(
  trial: Trial,
  kind: ResourceKind,
): Promise<{ port: ResourcePort<unknown, Item>; specAt: (index: number) => unknown } | undefined> {
  const port = ports[kind](trial.driver) as ResourcePort<unknown, Item> | undefined;
  if (!port) return undefined;
  if (kind === 'network') {
    const { network } = trial.provider;
    return network && { port, specAt: (index) => networkAt(network, index) };
  }
  const spec = await specOf(trial, kind);
  return spec === undefined ? undefined : { port, specAt: () => spec };
}

async function specOf(trial: Trial, kind: Exclude<ResourceKind, 'network'>): Promise<unknown> {
  const { provider } = trial;
  if (kind === 'snapshot') return snapshotSpec(trial);
  const specs = {
    machine: provider.machine,
    volume: provider.volume,
    image: provider.image,
    address: { from: provider.from ?? null },
    'security-group': { rules: provider.rules ?? commonRules },
  };
  return specs[kind];
}

async function snapshotSpec({ provider, driver, make }: Trial): Promise<unknown> {
  if (!driver.volumes || !provider.volume || !driver.snapshots) return undefined;
  const volume = await make('volume', driver.volumes, { spec: provider.volume, resource: 'origin' });
  return { volumeRef: volume.ref };
}

/** Two networks of one host may not overlap: the n-th one lies n ranges further. */
function networkAt(spec: NetworkSpec, index: number): NetworkSpec {
  return {
    ...spec,
    segment: spec.segment === null ? null : spec.segment + index,
    cidrs: spec.cidrs?.map((cidr) => shifted(cidr, index)) ?? null,
  };
}

function shifted(cidr: string, index: number): string {
  const [address, prefix] = ipaddr.parseCIDR(cidr);
  const bytes = address.toByteArray();
  const value = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  let moved = value + (BigInt(index) << BigInt(bytes.length * 8 - prefix));
  const next = bytes.map(() => {
    const byte = Number(moved % 256n);
    moved /= 256n;
    return byte;
  });
  return `${ipaddr.fromByteArray(next.reverse()).toString()}/${prefix}`;
}
