import { mtuFor, type Backend, type Host } from './backend.ts';
import { HostError } from '../host/host-error.ts';
import type { WantedNetwork } from './journal.ts';
import { setSysctl, type Link } from './links.ts';
import { aliasOf } from './names.ts';

/** One bridge of the kernel a network. Its forwarded frames pass the host's packet filter (br_netfilter), for these bridges alone. */
export function bridgeBackend({ run, links, names, settings, readSysctl }: Host): Backend {
  return {
    kind: 'bridge',
    mtuOf: (network) => mtuFor(network, settings),
    deviceOf: (network) => names.bridge(network),

    async ensureNetwork(network, present) {
      await demandNetfilter();
      const bridge = names.bridge(network.id);
      const lines = present.has(bridge)
        ? []
        : [
            // No spanning tree and a fixed address: otherwise it takes that of whichever port came last.
            `link add name ${bridge} address ${names.mac(network.id)} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
          ];
      await links.batch([
        ...lines,
        `link set dev ${bridge} alias ${aliasOf('network', network.id)} mtu ${mtuFor(network, settings)} up`,
        `link set dev ${bridge} type bridge nf_call_iptables 1 nf_call_ip6tables 1`,
      ]);
      if (network.type === 'vxlan' && settings.vxlan) await ensureTunnel(network, present);
      else if (network.type === 'vlan' && settings.trunk !== null) await ensureVlan(network, present);
      else if (network.type === 'flat' && settings.trunk !== null) {
        await demandBare(settings.trunk, bridge, present);
        await links.batch([`link set dev ${settings.trunk} master ${bridge} up`]);
      }
    },

    async removeNetwork({ id, type }, present) {
      const trunk = settings.trunk === null ? undefined : present.get(settings.trunk);
      if (type === 'flat' && trunk?.master === names.bridge(id))
        await links.batch([`link set dev ${trunk.ifname} nomaster`]);
      for (const device of [names.tunnel(id, 'all'), names.vlan(id), names.bridge(id)])
        if (present.get(device)?.ifalias === aliasOf('network', id))
          await links.batch([`link delete dev ${device}`]);
    },

    async ensurePort(_port, network, device) {
      await links.batch([`link set dev ${device} master ${names.bridge(network.id)}`]);
    },
    // The device goes with its port, and leaves the bridge so.
    async removePort() {
      return undefined;
    },
    async filter() {
      return undefined;
    },
    async attachments(present) {
      return new Map(
        [...present.values()].flatMap(({ ifname, master }) =>
          master === undefined ? [] : [[ifname, master]],
        ),
      );
    },
    attachmentOf: (network) => names.bridge(network.id),
  };

  /** Without br_netfilter frames between two ports would pass unjudged, and nothing would tell. */
  async function demandNetfilter(): Promise<void> {
    const switches = ['bridge/bridge-nf-call-iptables', 'bridge/bridge-nf-call-ip6tables'];
    const isThere = async (): Promise<boolean> =>
      readSysctl(switches[0] ?? '').then(
        () => true,
        () => false,
      );
    if (await isThere()) return;
    await run('modprobe', ['br_netfilter']).catch(() => undefined);
    if (!(await isThere()))
      throw new HostError(
        'invalid',
        'The kernel has no br_netfilter: security groups could not be kept on a bridge',
      );
    // Loading it switches it on for every bridge of the host; ours ask for it themselves.
    for (const name of switches) await setSysctl(name, '0');
  }

  async function ensureTunnel(network: WantedNetwork, present: ReadonlyMap<string, Link>): Promise<void> {
    const { vxlan } = settings;
    if (!vxlan) return;
    const device = names.tunnel(network.id, 'all');
    const make = `link add name ${device} type vxlan id ${network.segment ?? 0} local ${vxlan.local} dstport ${vxlan.port}`;
    await links.batch([
      ...(present.has(device) ? [] : [make]),
      `link set dev ${device} alias ${aliasOf('network', network.id)} mtu ${mtuFor(network, settings)} master ${names.bridge(network.id)} up`,
    ]);
    const known = await run('bridge', ['fdb', 'show', 'dev', device]);
    for (const remote of vxlan.remotes)
      if (!known.includes(`00:00:00:00:00:00 dst ${remote} `))
        await run('bridge', ['fdb', 'append', '00:00:00:00:00:00', 'dev', device, 'dst', remote]);
  }

  async function ensureVlan(network: WantedNetwork, present: ReadonlyMap<string, Link>): Promise<void> {
    const device = names.vlan(network.id);
    const trunk = settings.trunk ?? '';
    if (!present.has(device)) {
      await run('ip', [
        ...['link', 'add', 'link', trunk, 'name', device],
        ...['type', 'vlan', 'id', String(network.segment)],
      ]).catch((cause: unknown) => {
        throw new HostError(
          'invalid',
          `${trunk} cannot carry VLAN ${String(network.segment)}: does the kernel have 8021q?`,
          {
            cause,
          },
        );
      });
    }
    await links.batch([
      `link set dev ${trunk} up`,
      `link set dev ${device} alias ${aliasOf('network', network.id)} master ${names.bridge(network.id)} up`,
    ]);
  }

  async function demandBare(
    trunk: string,
    bridge: string,
    present: ReadonlyMap<string, Link>,
  ): Promise<void> {
    const link = present.get(trunk);
    if (!link) throw new HostError('invalid', `There is no interface ${trunk}`);
    if (link.master !== undefined && link.master !== bridge)
      throw new HostError('conflict', `${trunk} belongs to ${link.master}: one flat network a trunk`);
    const [address] = await links.addresses(trunk);
    if (address !== undefined)
      throw new HostError(
        'conflict',
        `${trunk} has the address ${address}: taken as a trunk, it would cut the host off`,
      );
  }
}
