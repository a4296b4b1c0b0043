import { createHash } from 'node:crypto';

/** Names of devices: at most 15 characters, the same after every restart, another for another journal on the same host. */
export type DeviceNames = {
  readonly bridge: (network: string) => string;
  readonly gateway: (network: string) => string;
  readonly tunnel: (network: string, remote: string) => string;
  readonly vlan: (network: string) => string;
  readonly port: (port: string) => string;
  readonly peer: (port: string) => string;
  /** IEEE 802: locally administered, unicast. */
  readonly mac: (port: string) => string;
};

export function deviceNames(stateDir: string): DeviceNames {
  const hash = (...words: string[]): string =>
    createHash('sha256')
      .update([stateDir, ...words].join('\0'))
      .digest('hex');
  const short = (...words: string[]): string => hash(...words).slice(0, 10);
  return {
    bridge: (network) => `mb-${short(network)}`,
    gateway: (network) => `mg-${short(network)}`,
    tunnel: (network, remote) => `mx-${short(network, remote)}`,
    vlan: (network) => `mv-${short(network)}`,
    port: (port) => `mp-${short('port', port)}`,
    peer: (port) => `mq-${short('port', port)}`,
    mac: (port) => `02:${(hash('mac', port).slice(0, 10).match(/../g) ?? []).join(':')}`,
  };
}

/** Written on every device of ours: nothing else on the host is touched. */
export function aliasOf(kind: 'network' | 'port', id: string): string {
  return `medusa:${kind}:${id}`;
}
