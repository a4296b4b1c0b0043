import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { WantedNetwork, WantedPort } from './journal.ts';
import { gatewaysOf } from './nftables.ts';
import { familyOf } from './rules.ts';
import type { Run } from '../host/run.ts';

type Server = { readonly network: WantedNetwork; readonly device: string; readonly folder: string };

/**
 * DHCP (RFC 2131, RFC 8415), router advertisements (RFC 4861) and names for one network by dnsmasq(8). It hands out what the
 * ports have, and nothing to others.
 */
export function renderDnsmasq({ network, device, folder }: Server): string {
  return [
    `interface=${device}`,
    'except-interface=lo',
    'bind-interfaces',
    'no-hosts',
    ...(network.hasGateway ? ['port=53'] : ['port=0', 'no-resolv']),
    'dhcp-authoritative',
    'leasefile-ro',
    `dhcp-hostsfile=${path.join(folder, 'hosts')}`,
    ...(network.dhcp ? network.cidrs.flatMap((cidr) => rangeOf(cidr, network.hasGateway)) : []),
    '',
  ].join('\n');
}

function rangeOf(cidr: string, hasGateway: boolean): string[] {
  const [address, length = ''] = cidr.split('/');
  if (familyOf(cidr) === 6)
    return [
      `dhcp-range=${address ?? ''},static,${length},12h`,
      // A lifetime of 0: on this link, but no way beyond (RFC 4861 section 6.2.3).
      ...['enable-ra', `ra-param=*,mtu:off,30,${hasGateway ? 1_800 : 0}`],
    ];
  return [
    `dhcp-range=${address ?? ''},static,${maskOf(Number(length))},12h`,
    ...(hasGateway ? [] : ['dhcp-option=3']),
  ];
}

function maskOf(length: number): string {
  const mask = length === 0 ? 0 : (0xffff_ffff << (32 - length)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join('.');
}

export function renderHosts(ports: readonly WantedPort[]): string {
  return ports
    .map(({ mac, addresses, machine }) =>
      [
        mac,
        ...addresses.map((address) => (familyOf(address) === 6 ? `[${address}]` : address)),
        machine.replaceAll(/[^A-Za-z0-9-]/g, '-'),
      ].join(','),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** Starts it, or tells the running one of new machines; a changed configuration starts it anew. */
export async function ensureDnsmasq(run: Run, server: Server, ports: readonly WantedPort[]): Promise<void> {
  const { folder, network } = server;
  if (gatewaysOf(network).length === 0) return;
  const [config, pidFile] = [path.join(folder, 'dnsmasq.conf'), path.join(folder, 'dnsmasq.pid')];
  await mkdir(folder, { recursive: true });
  // It gives up root: what it reads again on SIGHUP must be open to it. Nothing in it is secret.
  await chmod(folder, 0o755);
  const isNewConfig = await replaceFile(config, renderDnsmasq(server));
  const isNewHosts = await replaceFile(path.join(folder, 'hosts'), renderHosts(ports));
  const pid = await runningDnsmasq(folder);
  if (pid !== undefined && !isNewConfig) {
    if (isNewHosts) process.kill(pid, 'SIGHUP');
    return;
  }
  if (pid !== undefined) await end(pid, folder);
  await run('dnsmasq', [`--conf-file=${config}`, `--pid-file=${pidFile}`]);
}

export async function removeDnsmasq(folder: string): Promise<void> {
  const pid = await runningDnsmasq(folder);
  if (pid !== undefined) await end(pid, folder);
  await rm(folder, { recursive: true, force: true });
}

/** Its process id, when the process with that number is still the one with this configuration. */
export async function runningDnsmasq(folder: string): Promise<number | undefined> {
  const pid = Number(await readFile(path.join(folder, 'dnsmasq.pid'), 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return commandLine.includes(path.join(folder, 'dnsmasq.conf')) ? pid : undefined;
}

async function end(pid: number, folder: string): Promise<void> {
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; waited < 2_000 && (await runningDnsmasq(folder)) === pid; waited += 20)
    await new Promise((resolve) => setTimeout(resolve, 20));
  if ((await runningDnsmasq(folder)) === pid) process.kill(pid, 'SIGKILL');
}

/** Whether it changed. */
async function replaceFile(file: string, text: string): Promise<boolean> {
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) return false;
  await writeFile(file, text, { mode: 0o644 });
  return true;
}
