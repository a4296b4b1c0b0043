import path from 'node:path';
import { placeAddresses } from './announce.ts';
import type { Backend, Host } from './backend.ts';
import { ensureDnsmasq, removeDnsmasq } from './dnsmasq.ts';
import type { Journal, WantedNetwork } from './journal.ts';
import { setSysctl, type Link } from './links.ts';
import { gatewaysOf, planFilter, readFilter, renderFilter, renderMove, type FilterPlan } from './nftables.ts';
import { succeeds } from '../host/run.ts';
import { ensurePort, missingNamespaces, removeNamespace, removePort } from './ports.ts';
import { familyOf } from './rules.ts';

export type Converge = {
  readonly host: Host;
  readonly backend: Backend;
  readonly save: (journal: Journal) => Promise<void>;
};

/** Brings the host to what the journal wants, whatever is there already; answers the journal with what it has noted besides. */
export async function converge(journal: Journal, tools: Converge): Promise<Journal> {
  const { host, backend } = tools;
  await removeUnwanted(journal, tools);
  const noted = await noteNamespaces(journal, tools);
  const present = await presentLinks(host);
  const networks = noted.networks.filter(({ isRemoving }) => !isRemoving);
  for (const network of networks) {
    await backend.ensureNetwork(network, present);
    await ensureGateway(host, backend, network);
  }
  const switched = networks.some(({ hasGateway }) => hasGateway)
    ? await switchOnForwarding(noted, tools)
    : noted;
  // Who may talk to whom stands before anyone can.
  await writeFilter(switched, tools);
  for (const port of switched.ports.filter(({ isRemoving }) => !isRemoving)) {
    const network = networks.find(({ id }) => id === port.network);
    if (network) await ensurePort(port, network, { host, backend, present });
  }
  await backend.filter(switched);
  await placeAddresses(host, switched);
  for (const network of networks)
    await ensureDnsmasq(
      host.run,
      { network, device: backend.deviceOf(network.id), folder: dnsmasqFolder(host, network.id) },
      switched.ports.filter((port) => port.network === network.id && !port.isRemoving),
    );
  return switched;
}

/** A floating address alone: one transaction of the packet filter, and the uplink's addresses. */
export async function convergeAddresses(journal: Journal, tools: Converge): Promise<void> {
  const { host, backend } = tools;
  const input = renderMove(filterPlan(journal, host, backend));
  if (!(await succeeds('nft', ['-f', '-'], { input }))) await writeFilter(journal, tools);
  await placeAddresses(host, journal);
}

export function dnsmasqFolder({ settings, names }: Host, network: string): string {
  return path.join(settings.stateDir, 'dhcp', names.gateway(network));
}

export async function presentLinks({ links }: Host): Promise<ReadonlyMap<string, Link>> {
  return new Map((await links.all()).map((link) => [link.ifname, link]));
}

async function removeUnwanted(journal: Journal, { host, backend }: Converge): Promise<void> {
  const present = await presentLinks(host);
  for (const port of journal.ports.filter(({ isRemoving }) => isRemoving)) {
    await removePort(port, { host, backend, present });
    const { attach, madeNamespace } = port;
    if (attach.kind !== 'netns' || !madeNamespace) continue;
    const isUsed = journal.ports.some(
      (other) =>
        !other.isRemoving && other.attach.kind === 'netns' && other.attach.namespace === attach.namespace,
    );
    if (!isUsed) await removeNamespace(host.run, attach.namespace);
  }
  for (const network of journal.networks.filter(({ isRemoving }) => isRemoving)) {
    await removeDnsmasq(dnsmasqFolder(host, network.id));
    await backend.removeNetwork(network, present);
  }
  if (journal.networks.every(({ isRemoving }) => isRemoving)) await backend.filter(journal);
}

/** Noted before it is made: a namespace of ours is never left behind, another's never removed. */
async function noteNamespaces(journal: Journal, { host, save }: Converge): Promise<Journal> {
  const missing = await missingNamespaces(host.run, journal.ports);
  if (missing.length === 0) return journal;
  const noted: Journal = {
    ...journal,
    ports: journal.ports.map((port) =>
      port.attach.kind === 'netns' && missing.includes(port.attach.namespace)
        ? { ...port, madeNamespace: true }
        : port,
    ),
  };
  await save(noted);
  for (const name of missing) await host.run('ip', ['netns', 'add', name]);
  return noted;
}

async function ensureGateway({ links }: Host, backend: Backend, network: WantedNetwork): Promise<void> {
  const device = backend.deviceOf(network.id);
  const lengths = new Map(network.cidrs.map((cidr) => [familyOf(cidr), cidr.split('/')[1]]));
  const gateways = gatewaysOf(network);
  await links.batch(
    gateways.map((gateway) => {
      const family = familyOf(gateway);
      return `address replace ${gateway}/${lengths.get(family) ?? ''} dev ${device}${family === 6 ? ' nodad' : ''}`;
    }),
  );
  // Off where it would make the host a member of a network that has no gateway.
  if (gateways.length === 0) await setSysctl(`ipv6/conf/${device}/disable_ipv6`, '1');
  else if (network.hasGateway) await setSysctl(`ipv4/conf/${device}/forwarding`, '1');
}

/**
 * IPv4 is forwarded from the uplink alone, IPv6 can only be forwarded by all interfaces: both are noted first, and the packet
 * filter keeps the uplink from reaching anything else when it was this program that switched it on.
 */
async function switchOnForwarding(journal: Journal, { host, save }: Converge): Promise<Journal> {
  const { uplink } = host.settings;
  const wanted = [
    ...(uplink === null ? [] : [`ipv4/conf/${uplink}/forwarding`]),
    ...(journal.networks.some(({ cidrs }) => cidrs.some((cidr) => familyOf(cidr) === 6)) && uplink !== null
      ? ['ipv6/conf/all/forwarding']
      : []),
  ];
  const off: string[] = [];
  for (const name of wanted) if ((await host.readSysctl(name)) === '0') off.push(name);
  if (off.length === 0) return journal;
  const noted = { ...journal, switchedOn: [...new Set([...journal.switchedOn, ...off])] };
  await save(noted);
  // A router ignores advertisements unless told otherwise: the host's own default route must not age away.
  if (uplink !== null && (await host.readSysctl(`ipv6/conf/${uplink}/accept_ra`).catch(() => '0')) === '1')
    await setSysctl(`ipv6/conf/${uplink}/accept_ra`, '2');
  for (const name of off) await setSysctl(name, '1');
  return noted;
}

function filterPlan(journal: Journal, { names, settings }: Host, backend: Backend): FilterPlan {
  return planFilter(journal, settings, {
    network: (id) => backend.deviceOf(id),
    port: (id) => names.port(id),
    isBridged: backend.kind === 'bridge',
  });
}

async function writeFilter(journal: Journal, { host, backend }: Converge): Promise<void> {
  const { run } = host;
  const plan = filterPlan(journal, host, backend);
  if (plan.networks.length === 0) {
    await clearFilter(journal, host);
    return;
  }
  const none = { chains: [], counters: [] };
  const old = {
    inet: await readFilter(run, 'inet'),
    bridge: plan.isBridged ? await readFilter(run, 'bridge') : none,
  };
  await run('nft', ['-f', '-'], { input: renderFilter(plan, old) });
}

/** With the last network goes everything that was made for all of them. */
async function clearFilter(journal: Journal, { run }: Host): Promise<void> {
  const tables = await run('nft', ['list', 'tables']);
  for (const family of ['inet', 'bridge'])
    if (tables.includes(`table ${family} medusa\n`)) await run('nft', ['delete', 'table', family, 'medusa']);
  for (const name of journal.switchedOn) await setSysctl(name, '0').catch(() => undefined);
}
