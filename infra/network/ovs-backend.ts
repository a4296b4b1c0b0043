import { z } from 'zod';
import { mtuFor, type Backend, type Host } from './backend.ts';
import { HostError } from '../host/host-error.ts';
import type { WantedNetwork } from './journal.ts';
import { setSysctl } from './links.ts';
import { aliasOf } from './names.ts';
import { renderFlows, type FlowPlan } from './ovs-flows.ts';
import { rulesOf } from './rules.ts';
import { gatewaysOf } from './nftables.ts';

const rowsSchema = z.object({ headings: z.array(z.string()), data: z.array(z.array(z.unknown())) });

/** One Open vSwitch bridge for all networks: a VLAN each, judged by OpenFlow 1.3 flows. */
export function ovsBackend(host: Host): Backend {
  const { run, links, names, settings } = host;
  const { bridge, runDir, datapath } = settings.ovs;
  const vsctl = async (...args: readonly string[]): Promise<string> =>
    run('ovs-vsctl', [`--db=unix:${runDir}/db.sock`, '--timeout=20', ...args]);

  const rows = async (table: string, columns: string): Promise<unknown[][]> => {
    const text = await vsctl('-f', 'json', '-d', 'json', `--columns=${columns}`, 'list', table);
    return text.trim() === '' ? [] : rowsSchema.parse(JSON.parse(text)).data;
  };

  const ensureBridge = async (): Promise<void> => {
    const known = (await vsctl('list-br')).split('\n');
    if (known.includes(bridge)) {
      const owner = (await vsctl('--if-exists', 'get', 'Bridge', bridge, 'external-ids:medusa')).trim();
      if (owner !== '"1"')
        throw new HostError('conflict', `The switch has a bridge ${bridge} that is not ours`);
      return;
    }
    const type = datapath === 'auto' ? await bestDatapath() : datapath;
    // Secure: without flows of ours it forwards nothing. Both in one transaction: never a bridge without its mark.
    await vsctl(
      ...['add-br', bridge, '--', 'set', 'Bridge', bridge, `datapath_type=${type}`, 'fail_mode=secure'],
      ...['protocols=OpenFlow13,OpenFlow14', 'external-ids:medusa=1', 'mcast_snooping_enable=false'],
    );
  };

  /** The kernel's, when it has one. */
  const bestDatapath = async (): Promise<'system' | 'netdev'> => {
    const types = await vsctl('get', 'Open_vSwitch', '.', 'datapath_types').catch(() => '');
    const hasModule = await run('ovs-dpctl', ['dump-dps'], { environment: { OVS_RUNDIR: runDir } }).then(
      () => true,
      () => false,
    );
    return hasModule && types.includes('system') ? 'system' : 'netdev';
  };

  const addPort = async (name: string, network: string, settingsOf: readonly string[]): Promise<void> => {
    await vsctl(
      ...[
        '--may-exist',
        'add-port',
        bridge,
        name,
        '--',
        'set',
        'Port',
        name,
        `external-ids:medusa=${network}`,
      ],
      ...settingsOf,
    );
  };

  return {
    kind: 'ovs',
    mtuOf: (network) => mtuFor(network, settings),
    deviceOf: (network) => names.gateway(network),

    async ensureNetwork(network) {
      await ensureBridge();
      const gateway = names.gateway(network.id);
      const [tag, mac] = [`tag=${network.localVlan}`, names.mac(network.id)];
      await addPort(gateway, network.id, [
        ...[tag, '--', 'set', 'Interface', gateway, 'type=internal', `mac="${mac}"`],
        `mtu_request=${mtuFor(network, settings)}`,
      ]);
      await links.batch([`link set dev ${gateway} alias ${aliasOf('network', network.id)} up`]);
      await ensureUnderlay(network);
    },

    async removeNetwork(network) {
      if (!(await hasBridge())) return;
      const ours = (await rows('Port', 'name,external_ids')).filter(
        ([name, ids]) => isIdOf(ids, network.id) && name !== settings.trunk,
      );
      for (const [name] of ours) await vsctl('--if-exists', 'del-port', bridge, String(name));
    },

    async ensurePort(port, network, device) {
      await ensureUserSpace(device);
      await addPort(device, port.id, [`tag=${network.localVlan}`]);
    },

    async removePort(_port, device) {
      if (await hasBridge()) await vsctl('--if-exists', 'del-port', bridge, device);
    },

    async filter(journal) {
      const wanted = journal.networks.filter(({ isRemoving }) => !isRemoving);
      if (!(await hasBridge())) return;
      if (wanted.length === 0) {
        await vsctl('--if-exists', 'del-br', bridge);
        return;
      }
      const numbers = await portNumbers();
      const plan: FlowPlan = {
        networks: wanted.map((network) => ({
          vlan: network.localVlan,
          cidrs: network.cidrs,
          gateways: gatewaysOf(network),
          gatewayPort: numbers.get(names.gateway(network.id)) ?? null,
          tunnelPorts: tunnelsOf(network).flatMap((name) => numbers.get(name) ?? []),
        })),
        ports: journal.ports.flatMap((port) => {
          const number = numbers.get(names.port(port.id));
          const network = wanted.find(({ id }) => id === port.network);
          if (port.isRemoving || number === undefined || !network) return [];
          const { mac, addresses } = port;
          return [
            {
              number,
              mac,
              addresses,
              vlan: network.localVlan,
              cidrs: network.cidrs,
              rules: rulesOf(port, journal),
            },
          ];
        }),
        trunkPort: settings.trunk === null ? null : (numbers.get(settings.trunk) ?? null),
      };
      // A bundle (OpenFlow 1.4): from one packet to the next, without a moment in which nothing is judged.
      await run('ovs-ofctl', ['-O', 'OpenFlow14', '--bundle', 'replace-flows', bridge, '-'], {
        input: renderFlows(plan),
        environment: { OVS_RUNDIR: runDir },
      });
    },

    async attachments() {
      if (!(await hasBridge())) return new Map();
      const found = await rows('Port', 'name,tag');
      return new Map(found.map(([name, tag]) => [String(name), String(tag)]));
    },
    attachmentOf: (network) => String(network.localVlan),
  };

  async function hasBridge(): Promise<boolean> {
    return (await vsctl('list-br')).split('\n').includes(bridge);
  }

  async function portNumbers(): Promise<ReadonlyMap<string, number>> {
    const found = await rows('Interface', 'name,ofport');
    return new Map(
      found.flatMap(([name, number]) =>
        typeof number === 'number' && number > 0 ? [[String(name), number] as const] : [],
      ),
    );
  }

  function tunnelsOf(network: WantedNetwork): string[] {
    return network.type === 'vxlan'
      ? (settings.vxlan?.remotes ?? []).map((remote) => names.tunnel(network.id, remote))
      : [];
  }

  async function ensureUnderlay(network: WantedNetwork): Promise<void> {
    const { vxlan, trunk } = settings;
    if (network.type === 'vxlan' && vxlan) {
      for (const remote of vxlan.remotes) {
        const name = names.tunnel(network.id, remote);
        // Protected: what one tunnel brings is not sent into another, as every host floods to every other.
        await addPort(name, network.id, [
          ...[`tag=${network.localVlan}`, 'protected=true', '--', 'set', 'Interface', name, 'type=vxlan'],
          `options:remote_ip="${remote}"`,
          ...[
            `options:local_ip="${vxlan.local}"`,
            `options:key=${network.segment ?? 0}`,
            `options:dst_port=${vxlan.port}`,
          ],
        ]);
      }
    }
    if (network.type === 'vxlan' || trunk === null) return;
    const [address] = await links.addresses(trunk);
    if (address !== undefined)
      throw new HostError(
        'conflict',
        `${trunk} has the address ${address}: taken as a trunk, it would cut the host off`,
      );
    await links.batch([`link set dev ${trunk} up`]);
    await ensureUserSpace(trunk);
    await addPort(trunk, 'trunk', [
      ...(network.type === 'flat' ? ['vlan_mode=native-untagged', `tag=${network.localVlan}`] : []),
    ]);
  }

  /**
   * The user-space datapath sees frames as they are: a checksum left to the network card is a wrong one. And it sees copies: the kernel
   * gets each frame too, and would answer for the gateway's address with the MAC of the port.
   */
  async function ensureUserSpace(device: string): Promise<void> {
    const type = (await vsctl('get', 'Bridge', bridge, 'datapath_type')).trim();
    if (type !== 'netdev') return;
    await setSysctl(`ipv4/conf/${device}/arp_ignore`, '8');
    await setSysctl(`ipv6/conf/${device}/disable_ipv6`, '1');
    await run('ethtool', ['-K', device, 'tx', 'off']);
  }
}

/** OVSDB (RFC 7047 section 5.1) writes a map as `["map", [[key, value], …]]`. */
function isIdOf(externalIds: unknown, id: string): boolean {
  const map = z.tuple([z.literal('map'), z.array(z.tuple([z.string(), z.string()]))]).safeParse(externalIds);
  return map.data?.[1].some(([key, value]) => key === 'medusa' && value === id) ?? false;
}
