import { familyOf, type FlatRule, type PortRules } from './rules.ts';

export type FlowPlan = {
  readonly networks: readonly {
    readonly vlan: number;
    readonly cidrs: readonly string[];
    readonly gateways: readonly string[];
    readonly gatewayPort: number | null;
    readonly tunnelPorts: readonly number[];
  }[];
  readonly ports: readonly {
    readonly number: number;
    readonly mac: string;
    readonly addresses: readonly string[];
    readonly vlan: number;
    readonly cidrs: readonly string[];
    readonly rules: PortRules;
  }[];
  readonly trunkPort: number | null;
};

/** 0 where from → 10 is it who it says → 20 is it known → 25 may it in → 30 away. */
const tables = { spoof: 10, state: 20, receive: 25, away: 30 } as const;
const types = { 4: 'ip', 6: 'ipv6' } as const;
const side = { 4: { src: 'nw_src', dst: 'nw_dst' }, 6: { src: 'ipv6_src', dst: 'ipv6_dst' } } as const;
const linkIcmp6 = [130, 131, 132, 133, 134, 135, 136, 143];
const multicast = 'dl_dst=01:00:00:00:00:00/01:00:00:00:00:00';

/**
 * The switch's flows in the words of ovs-ofctl(8). Networks are kept apart by VLAN tags, and connections are tracked in a zone
 * a network (Nicira extension `ct`, in the kernel's and the user-space datapath).
 */
export function renderFlows(plan: FlowPlan): string {
  return [
    ...plan.networks.flatMap(({ vlan, gatewayPort, tunnelPorts }) =>
      [gatewayPort, ...tunnelPorts]
        .filter((number) => number !== null)
        .flatMap((number) => [
          `table=0,priority=100,in_port=${number},actions=load:${vlan}->NXM_NX_REG5[],resubmit(,${tables.state})`,
        ]),
    ),
    ...(plan.trunkPort === null ? [] : trunkFlows(plan.networks, plan.trunkPort)),
    ...plan.ports.flatMap(portFlows),
    ...stateFlows(),
    ...plan.networks.flatMap(networkFlows),
    `table=${tables.receive},priority=30,${multicast},actions=drop`,
    `table=${tables.receive},priority=10,ct_state=+trk+new,ip,actions=${commit}`,
    `table=${tables.receive},priority=10,ct_state=+trk+new,ipv6,actions=${commit}`,
    `table=${tables.away},priority=0,actions=NORMAL`,
    '',
  ].join('\n');
}

const commit = `ct(commit,zone=NXM_NX_REG5[0..15]),resubmit(,${tables.away})`;

function trunkFlows(networks: FlowPlan['networks'], trunk: number): string[] {
  return networks
    .flatMap(({ vlan }) => [
      `table=0,priority=100,in_port=${trunk},dl_vlan=${vlan},actions=load:${vlan}->NXM_NX_REG5[],resubmit(,${tables.state})`,
    ])
    .concat(
      // Untagged frames belong to the flat network: its tag is the port's native one, which only NORMAL knows.
      `table=0,priority=90,in_port=${trunk},vlan_tci=0x0000/0x1fff,actions=resubmit(,${tables.away})`,
    );
}

/** A port sends as itself alone, and is neither a DHCP server nor a router. */
function portFlows({ number, mac, addresses, vlan, cidrs, rules }: FlowPlan['ports'][number]): string[] {
  const spoof = (priority: number, match: string, next: string): string =>
    `table=${tables.spoof},priority=${priority},in_port=${number},${match},actions=${next}`;
  const pass = `resubmit(,${tables.away})`;
  const v4 = addresses.filter((address) => familyOf(address) === 4);
  return [
    `table=0,priority=100,in_port=${number},actions=load:${vlan}->NXM_NX_REG5[],resubmit(,${tables.spoof})`,
    spoof(120, 'udp,tp_src=67', 'drop'),
    spoof(120, 'udp6,tp_src=547', 'drop'),
    spoof(120, 'icmp6,icmp_type=134', 'drop'),
    ...v4.map((address) => spoof(100, `dl_src=${mac},arp,arp_sha=${mac},arp_spa=${address}`, pass)),
    spoof(100, `dl_src=${mac},udp,nw_src=0.0.0.0,tp_src=68,tp_dst=67`, pass),
    spoof(100, `dl_src=${mac},udp6,ipv6_src=fe80::/10,tp_src=546,tp_dst=547`, pass),
    ...linkIcmp6.map((type) => spoof(100, `dl_src=${mac},icmp6,icmp_type=${type}`, pass)),
    ...addresses.map((address) => {
      const version = familyOf(address);
      return spoof(
        90,
        `dl_src=${mac},${types[version]},${side[version].src}=${address}`,
        `resubmit(,${tables.state})`,
      );
    }),
    ...sendFlows(number, rules.out),
    ...receiveFlows(mac, cidrs, rules.in),
  ];
}

function stateFlows(): string[] {
  const state = (priority: number, match: string, actions: string): string =>
    `table=${tables.state},priority=${priority},${match},actions=${actions}`;
  const track = `ct(table=${tables.state},zone=NXM_NX_REG5[0..15])`;
  return [
    state(100, 'arp', `resubmit(,${tables.away})`),
    ...linkIcmp6.map((type) => state(100, `icmp6,icmp_type=${type}`, `resubmit(,${tables.away})`)),
    state(90, 'ct_state=-trk,ip', track),
    state(90, 'ct_state=-trk,ipv6', track),
    ...(['ip', 'ipv6'] as const).flatMap((type) => [
      state(80, `ct_state=+trk+inv,${type}`, 'drop'),
      state(80, `ct_state=+trk+est,${type}`, `resubmit(,${tables.away})`),
      state(80, `ct_state=+trk+rel,${type}`, `resubmit(,${tables.away})`),
      state(10, `ct_state=+trk+new,${type}`, `resubmit(,${tables.receive})`),
    ]),
  ];
}

function sendFlows(number: number, out: readonly FlatRule[] | null): string[] {
  if (!out) return [];
  const base = `table=${tables.state},in_port=${number},ct_state=+trk+new`;
  return [
    ...out.flatMap((rule) =>
      matches(rule, 'dst').map(
        (match) => `${base},priority=60,${match},actions=resubmit(,${tables.receive})`,
      ),
    ),
    ...(['ip', 'ipv6'] as const).map((type) => `${base},priority=50,${type},actions=drop`),
  ];
}

function receiveFlows(mac: string, cidrs: readonly string[], rules: readonly FlatRule[] | null): string[] {
  const base = `table=${tables.receive},ct_state=+trk+new,dl_dst=${mac}`;
  const open = rules
    ? rules.flatMap((rule) => matches(rule, 'src'))
    : cidrs.map((cidr) => `${types[familyOf(cidr)]},${side[familyOf(cidr)].src}=${cidr}`);
  return [
    ...open.map((match) => `${base},priority=60,${match},actions=${commit}`),
    ...(['ip', 'ipv6'] as const).map((type) => `${base},priority=50,${type},actions=drop`),
  ];
}

/** The host itself, on its gateway's address, may ask its machines: that is how their health is watched. */
function networkFlows({ gateways, gatewayPort }: FlowPlan['networks'][number]): string[] {
  if (gatewayPort === null) return [];
  return [
    ...gateways.map((address) => {
      const version = familyOf(address);
      return `table=${tables.receive},priority=70,ct_state=+trk+new,in_port=${gatewayPort},${types[version]},${side[version].src}=${address},actions=${commit}`;
    }),
    // Its DHCP server answers those that have no address yet.
    `table=${tables.state},priority=110,in_port=${gatewayPort},udp,tp_src=67,tp_dst=68,actions=resubmit(,${tables.away})`,
    `table=${tables.state},priority=110,in_port=${gatewayPort},udp6,tp_src=547,tp_dst=546,actions=resubmit(,${tables.away})`,
  ];
}

function matches({ family, protocol, fromPort, toPort, remote }: FlatRule, end: 'src' | 'dst'): string[] {
  const address = `${side[family][end]}=${remote}`;
  if (protocol === 'any') return [`${types[family]},${address}`];
  const name = `${protocol}${family === 6 ? '6' : ''}`;
  if (protocol === 'icmp' || fromPort === null || toPort === null) return [`${name},${address}`];
  return portMasks(fromPort, toPort).map((mask) => `${name},${address},tp_dst=${mask}`);
}

/** A range of ports as value/mask pairs, for OpenFlow knows no ranges. */
export function portMasks(from: number, to: number): string[] {
  const masks: string[] = [];
  for (let at = from; at <= to;) {
    let size = 1;
    while (at % (size * 2) === 0 && at + size * 2 - 1 <= to && size < 65_536) size *= 2;
    masks.push(size === 1 ? String(at) : `0x${at.toString(16)}/0x${(65_536 - size).toString(16)}`);
    at += size;
  }
  return masks;
}
