import { gatewayOf, usableAddresses } from '@medusa/broker/provision/addresses';
import type { HostNetworkSettings } from '@medusa/protocol';
import { z } from 'zod';
import { HostError } from '../host/host-error.ts';
import type { Journal, WantedNetwork, WantedPort } from './journal.ts';
import { familyOf, rulesOf, type FlatRule, type PortRules } from './rules.ts';
import type { Run } from '../host/run.ts';

/** What the packet filter is written from. */
export type FilterPlan = {
  readonly networks: readonly (WantedNetwork & { readonly device: string })[];
  readonly ports: readonly (WantedPort & { readonly device: string; readonly rules: PortRules })[];
  /** Floating address → the address of a port behind it. */
  readonly floating: readonly { readonly address: string; readonly inside: string }[];
  readonly uplink: string | null;
  readonly hostPorts: HostNetworkSettings['hostPorts'];
  /** Whether frames pass a bridge of the kernel's, where spoofed ones must be dropped. */
  readonly isBridged: boolean;
  /** Families that are forwarded from the uplink only because of us: then nothing but our networks is reached so. */
  readonly closedFamilies: readonly ('ipv4' | 'ipv6')[];
};

/** Objects that are there already: those no longer wanted are deleted in the same transaction. */
export type FilterObjects = { readonly chains: readonly string[]; readonly counters: readonly string[] };

const family = { 4: 'ip', 6: 'ip6' } as const;
const baseChains = ['floating-in', 'floating-out', 'translate', 'forward', 'input', 'deliver'];
/** Neighbour and router discovery (RFC 4861), multicast listeners (RFC 2710, 3810): without them there is no IPv6 link. */
const linkIcmp6 = '130, 131, 132, 133, 134, 135, 136, 143';

export function planFilter(
  journal: Journal,
  settings: HostNetworkSettings,
  devices: { network(id: string): string; port(id: string): string; isBridged: boolean },
): FilterPlan {
  const ports = journal.ports.filter(({ isRemoving }) => !isRemoving);
  return {
    networks: journal.networks
      .filter(({ isRemoving }) => !isRemoving)
      .map((network) => ({ ...network, device: devices.network(network.id) })),
    ports: ports.map((port) => ({ ...port, device: devices.port(port.id), rules: rulesOf(port, journal) })),
    floating: journal.addresses
      .filter(({ isRemoving }) => !isRemoving)
      .flatMap(({ address, assignedTo }) => {
        const inside = ports
          .filter(({ machine }) => machine === assignedTo)
          .flatMap(({ addresses }) => addresses)
          .find((candidate) => familyOf(candidate) === familyOf(address));
        return inside === undefined ? [] : [{ address, inside }];
      }),
    uplink: settings.uplink,
    hostPorts: settings.hostPorts,
    isBridged: devices.isBridged,
    closedFamilies: (['ipv4', 'ipv6'] as const).filter((name) =>
      journal.switchedOn.some((sysctl) => sysctl.startsWith(name)),
    ),
  };
}

/**
 * One nft(8) transaction: it takes hold whole or not at all, so that a floating address is always exactly one machine's. Named
 * counters keep their values. Floating addresses are translated without state (1:1, RFC 3022 basic NAT): a move is one replaced
 * map and takes connections along that are open, where connection tracking would keep sending them to the machine of before.
 */
export function renderFilter(plan: FilterPlan, old: { inet: FilterObjects; bridge: FilterObjects }): string {
  const ids = plan.ports.map(({ device }) => device);
  const chains = [...baseChains, ...ids.flatMap((id) => [`in-${id}`, `out-${id}`])];
  return [
    'add table inet medusa',
    'flush table inet medusa',
    ...sets(),
    ...baseHooks(plan.uplink),
    ...ids.flatMap((id) => [
      `add counter inet medusa refused-${id}`,
      `add chain inet medusa in-${id}`,
      `add chain inet medusa out-${id}`,
    ]),
    ...elements(plan),
    // A user-space switch reads copies of frames: what a machine sends to the host past the switch is heard by nobody.
    ...(plan.isBridged ? [] : ['add rule inet medusa floating-in iifname "mp-*" drop']),
    ...floatingRules(plan.uplink),
    ...forwardRules(plan),
    ...inputRules(plan),
    ...plan.ports.flatMap((port) => portRules(port, plan)),
    ...old.inet.chains
      .filter((name) => !chains.includes(name))
      .map((name) => `delete chain inet medusa ${name}`),
    ...old.inet.counters
      .filter((name) => !ids.includes(name.replace(/^refused-/, '')))
      .map((name) => `delete counter inet medusa ${name}`),
    ...(plan.isBridged ? bridgeTable(plan, old.bridge) : []),
    '',
  ].join('\n');
}

const setTypes: readonly (readonly [string, string])[] = [
  ['set members', 'ifname'],
  ['map floating4', 'ipv4_addr : ipv4_addr'],
  ['map floating6', 'ipv6_addr : ipv6_addr'],
  ['map inside4', 'ipv4_addr : ipv4_addr'],
  ['map inside6', 'ipv6_addr : ipv6_addr'],
  ['set floats4', 'ipv4_addr'],
  ['set floats6', 'ipv6_addr'],
  ['map receivers4', 'ipv4_addr : verdict'],
  ['map receivers6', 'ipv6_addr : verdict'],
  ['map senders4', 'ipv4_addr : verdict'],
  ['map senders6', 'ipv6_addr : verdict'],
];

function sets(): string[] {
  return setTypes.flatMap(([name, type]) => {
    const [kind = '', id = ''] = name.split(' ');
    return [`add ${kind} inet medusa ${id} { type ${type}; }`, `flush ${kind} inet medusa ${id}`];
  });
}

function baseHooks(uplink: string | null): string[] {
  const hook = (name: string, type: string, at: string): string =>
    `add chain inet medusa ${name} { type ${type} hook ${at}; policy accept; }`;
  return [
    // Before connection tracking (-200), which then knows machines by their inner addresses alone.
    hook('floating-in', 'filter', 'prerouting priority -310'),
    hook('floating-out', 'filter', 'postrouting priority 310'),
    hook('forward', 'filter', 'forward priority 0'),
    hook('input', 'filter', 'input priority 0'),
    ...(uplink === null
      ? ['add chain inet medusa translate']
      : [hook('translate', 'nat', 'postrouting priority 100')]),
    'add chain inet medusa deliver',
  ];
}

function add(set: string, entries: readonly string[]): string[] {
  return entries.length === 0 ? [] : [`add element inet medusa ${set} { ${entries.join(', ')} }`];
}

/**
 * A floating address' move alone, as one transaction. Nothing is read before it, so that it takes no longer than it must; it fails
 * where the table is not there.
 */
export function renderMove(plan: FilterPlan): string {
  const flushes = setTypes
    .filter(([name]) => /(floating|inside|floats)/.test(name))
    .map(([name]) => `flush ${name.replace(' ', ' inet medusa ')}`);
  return [...flushes, ...floatingElements(plan), ''].join('\n');
}

function floatingElements({ floating }: FilterPlan): string[] {
  return ([4, 6] as const).flatMap((version) => {
    const moved = floating.filter(({ address }) => familyOf(address) === version);
    return [
      ...add(
        `floating${version}`,
        moved.map(({ address, inside }) => `${address} : ${inside}`),
      ),
      ...add(
        `inside${version}`,
        // A machine with two of them is seen by the first: its own connections can have one source only.
        moved
          .filter(({ inside }, at) => moved.findIndex((other) => other.inside === inside) === at)
          .map(({ address, inside }) => `${inside} : ${address}`),
      ),
      ...add(`floats${version}`, [...new Set(moved.map(({ inside }) => inside))]),
    ];
  });
}

function elements(plan: FilterPlan): string[] {
  return [
    ...add(
      'members',
      plan.networks.map(({ device }) => `"${device}"`),
    ),
    ...floatingElements(plan),
    ...([4, 6] as const).flatMap((version) => {
      const receivers = plan.ports.flatMap(({ device, addresses }) =>
        addresses.filter((address) => familyOf(address) === version).map((address) => ({ device, address })),
      );
      return [
        ...add(
          `receivers${version}`,
          receivers.map(({ device, address }) => `${address} : goto in-${device}`),
        ),
        ...add(
          `senders${version}`,
          receivers.map(({ device, address }) => `${address} : jump out-${device}`),
        ),
      ];
    }),
  ];
}

const rule =
  (chain: string) =>
  (text: string): string =>
    `add rule inet medusa ${chain} ${text}`;

function floatingRules(uplink: string | null): string[] {
  return [
    ...['ip daddr set ip daddr map @floating4', 'ip6 daddr set ip6 daddr map @floating6'].map(
      rule('floating-in'),
    ),
    ...(uplink === null
      ? []
      : [
          `oifname "${uplink}" ip saddr set ip saddr map @inside4`,
          `oifname "${uplink}" ip6 saddr set ip6 saddr map @inside6`,
        ].map(rule('floating-out'))),
  ];
}

function forwardRules({ networks, uplink, closedFamilies }: FilterPlan): string[] {
  const beyond = networks.filter(({ hasGateway }) => hasGateway);
  const forward = rule('forward');
  return [
    ...closedFamilies.map((name) =>
      forward(
        `meta nfproto ${name} iifname "${uplink ?? ''}" oifname != "${uplink ?? ''}" oifname != @members counter drop`,
      ),
    ),
    // What is not ours is for others to judge.
    forward('iifname != @members oifname != @members accept'),
    forward('ct state established,related accept'),
    forward('ct state invalid drop'),
    forward(`icmpv6 type { ${linkIcmp6} } accept`),
    forward('ip saddr vmap @senders4'),
    forward('ip6 saddr vmap @senders6'),
    ...networks.map(({ device }) => forward(`iifname "${device}" oifname "${device}" jump deliver`)),
    // Towards machines on other hosts, which judge it there. Not to groups of receivers, nor to link-local addresses.
    ...networks.flatMap(({ device, cidrs }) =>
      cidrs.map((cidr) =>
        forward(
          `iifname "${device}" oifname "${device}" ${family[familyOf(cidr)]} daddr ${unicastOf(cidr)} accept`,
        ),
      ),
    ),
    ...(uplink === null
      ? []
      : beyond.flatMap(({ device, cidrs }) => [
          ...cidrs.map((cidr) =>
            forward(`iifname "${device}" oifname "${uplink}" ${family[familyOf(cidr)]} saddr ${cidr} accept`),
          ),
          forward(`iifname "${uplink}" oifname "${device}" jump deliver`),
        ])),
    forward('counter drop'),
    rule('deliver')('ip daddr vmap @receivers4'),
    rule('deliver')('ip6 daddr vmap @receivers6'),
    ...(uplink === null
      ? []
      : beyond.flatMap(({ cidrs }) =>
          cidrs.map((cidr) => {
            const version = familyOf(cidr);
            return rule('translate')(
              `oifname "${uplink}" ${family[version]} saddr ${cidr} ${family[version]} saddr != @floats${version} masquerade`,
            );
          }),
        )),
  ];
}

function unicastOf(cidr: string): string {
  const { first, last } = usableAddresses(cidr);
  return familyOf(cidr) === 6 ? cidr : first === last ? first : `${first}-${last}`;
}

/** Machines are guests: of the host they reach its DHCP, its name server, and what the settings open. */
function inputRules({ hostPorts }: FilterPlan): string[] {
  return [
    'iifname != @members accept',
    'ct state established,related accept',
    'ct state invalid drop',
    'meta l4proto { icmp, ipv6-icmp } accept',
    'udp dport { 53, 67, 547 } accept',
    'tcp dport 53 accept',
    ...hostPorts.map(({ protocol, port }) => `${protocol} dport ${port} accept`),
    'counter drop',
  ].map(rule('input'));
}

function portRules(port: FilterPlan['ports'][number], { networks }: FilterPlan): string[] {
  const refuse = `counter name "refused-${port.device}" drop`;
  const network = networks.find(({ id }) => id === port.network);
  const open = port.rules.in
    ? port.rules.in.map((entry) => `${match(entry, 'saddr')} accept`)
    : (network?.cidrs ?? []).map((cidr) => `${family[familyOf(cidr)]} saddr ${cidr} accept`);
  return [
    ...[...open, refuse].map(rule(`in-${port.device}`)),
    ...(port.rules.out
      ? [...port.rules.out.map((entry) => `${match(entry, 'daddr')} return`), refuse].map(
          rule(`out-${port.device}`),
        )
      : []),
  ];
}

function match(
  { family: version, protocol, fromPort, toPort, remote }: FlatRule,
  side: 'saddr' | 'daddr',
): string {
  const parts = [`${family[version]} ${side} ${remote}`];
  if (protocol === 'icmp') parts.push(`meta l4proto ${version === 4 ? 'icmp' : 'ipv6-icmp'}`);
  else if (protocol !== 'any')
    parts.push(
      fromPort === null || toPort === null
        ? `meta l4proto ${protocol}`
        : `${protocol} dport ${fromPort === toPort ? fromPort : `${fromPort}-${toPort}`}`,
    );
  return parts.join(' ');
}

/** On the kernel's bridges: a port sends as itself alone, and is neither a DHCP server nor a router. */
function bridgeTable({ ports }: FilterPlan, old: FilterObjects): string[] {
  const chains = ['prerouting', ...ports.map(({ device }) => `from-${device}`)];
  return [
    'add table bridge medusa',
    'flush table bridge medusa',
    'add chain bridge medusa prerouting { type filter hook prerouting priority -300; policy accept; }',
    'add map bridge medusa ports { type ifname : verdict; }',
    'flush map bridge medusa ports',
    ...ports.flatMap((port) => [
      `add chain bridge medusa from-${port.device}`,
      ...spoofRules(port).map((text) => `add rule bridge medusa from-${port.device} ${text}`),
      `add element bridge medusa ports { "${port.device}" : jump from-${port.device} }`,
    ]),
    'add rule bridge medusa prerouting iifname vmap @ports',
    ...old.chains
      .filter((name) => !chains.includes(name))
      .map((name) => `delete chain bridge medusa ${name}`),
  ];
}

function spoofRules({ mac, addresses }: FilterPlan['ports'][number]): string[] {
  const [v4, v6] = ([4, 6] as const).map((version) =>
    addresses.filter((address) => familyOf(address) === version),
  );
  return [
    `ether saddr != ${mac} drop`,
    ...(v4 ?? []).map((address) => `ether type arp arp saddr ether ${mac} arp saddr ip ${address} accept`),
    'ether type arp drop',
    'ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept',
    'udp sport { 67, 547 } drop',
    'icmpv6 type 134 drop',
    ...(v4 ?? []).map((address) => `ip saddr ${address} accept`),
    ...(v6 ?? []).map((address) => `ip6 saddr ${address} accept`),
    // Link-local and unspecified sources are for discovery alone: see `forward`.
    'ip6 saddr { ::, fe80::/64 } accept',
    'drop',
  ];
}

const listingSchema = z.object({
  nftables: z.array(
    z.union([
      z.object({ chain: z.object({ name: z.string() }) }),
      z.object({ counter: z.object({ name: z.string(), packets: z.int() }) }),
      z.unknown(),
    ]),
  ),
});

/** What is there of ours: chains, and named counters with their packets. Nothing when there is no table yet. */
export async function readFilter(
  run: Run,
  table: 'inet' | 'bridge',
): Promise<FilterObjects & { readonly packets: ReadonlyMap<string, number> }> {
  const text = await run('nft', ['-j', 'list', 'table', table, 'medusa']).catch((error: unknown) => {
    if (error instanceof HostError && /No such file|does not exist/.test(error.message))
      return '{"nftables":[]}';
    throw error;
  });
  const { nftables } = listingSchema.parse(JSON.parse(text));
  const packets = new Map<string, number>();
  const chains: string[] = [];
  for (const entry of nftables) {
    if (typeof entry !== 'object' || entry === null) continue;
    if ('chain' in entry) chains.push((entry as { chain: { name: string } }).chain.name);
    if ('counter' in entry) {
      const { name, packets: count } = (entry as { counter: { name: string; packets: number } }).counter;
      packets.set(name, count);
    }
  }
  return { chains, counters: [...packets.keys()], packets };
}

export function gatewaysOf({ cidrs, hasGateway, dhcp }: WantedNetwork): string[] {
  return hasGateway || dhcp ? cidrs.map(gatewayOf) : [];
}
