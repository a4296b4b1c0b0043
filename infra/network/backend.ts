import type { HostNetworkSettings } from '@medusa/protocol';
import type { Journal, WantedNetwork, WantedPort } from './journal.ts';
import type { Link, Links } from './links.ts';
import type { DeviceNames } from './names.ts';
import type { Run } from '../host/run.ts';

/** What both kinds of switch are made with. */
export type Host = {
  readonly run: Run;
  readonly links: Links;
  readonly names: DeviceNames;
  readonly settings: HostNetworkSettings;
  /** Name as for `setSysctl`. */
  readonly readSysctl: (name: string) => Promise<string>;
};

/** The switch that joins ports to networks. Everything is safe to do again. */
export interface Backend {
  readonly kind: 'ovs' | 'bridge';
  /** Frames bear this much less than the trunk's. */
  mtuOf(network: WantedNetwork): number;
  /** The host's own device on that network: its gateway's addresses are put on it. */
  deviceOf(network: string): string;
  ensureNetwork(network: WantedNetwork, present: ReadonlyMap<string, Link>): Promise<void>;
  removeNetwork(network: WantedNetwork, present: ReadonlyMap<string, Link>): Promise<void>;
  /** `device` is up already. */
  ensurePort(port: WantedPort, network: WantedNetwork, device: string): Promise<void>;
  removePort(port: WantedPort, device: string): Promise<void>;
  /** Who may send what to whom, as far as the switch itself judges it. */
  filter(journal: Journal): Promise<void>;
  /** Devices by what they are joined to, as the kernel or the switch tells. */
  attachments(present: ReadonlyMap<string, Link>): Promise<ReadonlyMap<string, string>>;
  /** What a port's device must be joined to. */
  attachmentOf(network: WantedNetwork): string;
}

/** RFC 7348 section 4.3: outer headers must not be fragmented; 50 bytes over IPv4, 70 over IPv6. */
export function mtuFor(network: WantedNetwork, settings: HostNetworkSettings): number {
  if (network.type !== 'vxlan' || !settings.vxlan) return 1_500;
  return settings.vxlan.local.includes(':') ? 1_430 : 1_450;
}
