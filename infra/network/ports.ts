import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Backend, Host } from './backend.ts';
import type { WantedNetwork, WantedPort } from './journal.ts';
import { linksOf, namespaces, type Link } from './links.ts';
import { aliasOf } from './names.ts';
import { gatewaysOf } from './nftables.ts';
import { familyOf } from './rules.ts';

type Tools = { readonly host: Host; readonly backend: Backend; readonly present: ReadonlyMap<string, Link> };

/** Makes a port's device and joins it to its network. A namespace must be there already. */
export async function ensurePort(
  port: WantedPort,
  network: WantedNetwork,
  { host: { run, links, names }, backend, present }: Tools,
): Promise<void> {
  const device = names.port(port.id);
  const mtu = backend.mtuOf(network);
  const up = `link set dev ${device} alias ${aliasOf('port', port.id)} mtu ${mtu} up`;
  if (port.attach.kind === 'tap') {
    if (!present.has(device)) await links.batch([`tuntap add dev ${device} mode tap`]);
    await links.batch([up]);
  } else {
    const { namespace, isConfigured } = port.attach;
    if (!present.has(device))
      await links.batch([
        `link add name ${device} type veth peer name ${names.peer(port.id)} address ${port.mac} netns ${namespace}`,
      ]);
    await links.batch([up]);
    const inside = linksOf(run, namespace);
    await inside.batch([`link set dev lo up`, `link set dev ${names.peer(port.id)} mtu ${mtu} up`]);
    if (isConfigured) await configureInside(run, port, { network, inside: names.peer(port.id), namespace });
    // The user-space datapath must see whole checksums of what the machine sends, too.
    if (backend.kind === 'ovs')
      await run('nsenter', [
        `--net=/run/netns/${namespace}`,
        'ethtool',
        '-K',
        names.peer(port.id),
        'tx',
        'off',
      ]);
  }
  await backend.ensurePort(port, network, device);
}

async function configureInside(
  run: Host['run'],
  port: WantedPort,
  { network, inside, namespace }: { network: WantedNetwork; inside: string; namespace: string },
): Promise<void> {
  const prefixLengths = new Map(network.cidrs.map((cidr) => [familyOf(cidr), cidr.split('/')[1]]));
  await linksOf(run, namespace).batch([
    ...port.addresses.map((address) => {
      const family = familyOf(address);
      // Nobody else can have it: duplicate address detection would only hold it back for a second.
      return `address replace ${address}/${prefixLengths.get(family) ?? ''} dev ${inside}${family === 6 ? ' nodad' : ''}`;
    }),
    ...(network.hasGateway
      ? gatewaysOf(network).map(
          (gateway) =>
            `route replace ${familyOf(gateway) === 6 ? '::/0' : 'default'} via ${gateway} dev ${inside}`,
        )
      : []),
  ]);
  if (!network.hasGateway) return;
  // ip-netns(8) puts it in the place of the host's for programs started there.
  const folder = path.join('/etc/netns', namespace);
  await mkdir(folder, { recursive: true });
  const servers = gatewaysOf(network).map((gateway) => `nameserver ${gateway}\n`);
  await writeFile(path.join(folder, 'resolv.conf'), servers.join(''));
}

export async function removePort(
  port: WantedPort,
  { host: { links, names }, backend, present }: Tools,
): Promise<void> {
  const device = names.port(port.id);
  await backend.removePort(port, device);
  if (present.get(device)?.ifalias === aliasOf('port', port.id))
    await links.batch([`link delete dev ${device}`]);
}

/** Namespaces that ports need and nobody has made. */
export async function missingNamespaces(
  run: Host['run'],
  ports: readonly WantedPort[],
): Promise<readonly string[]> {
  const known = await namespaces(run);
  const needed = ports.flatMap(({ attach, isRemoving }) =>
    attach.kind === 'netns' && !isRemoving ? [attach.namespace] : [],
  );
  return [...new Set(needed)].filter((name) => !known.includes(name));
}

export async function removeNamespace(run: Host['run'], namespace: string): Promise<void> {
  if ((await namespaces(run)).includes(namespace)) await run('ip', ['netns', 'delete', namespace]);
  await rm(path.join('/etc/netns', namespace), { recursive: true, force: true });
}
