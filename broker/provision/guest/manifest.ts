import type { Architecture } from '@medusa/protocol';

/** What is in a machine that becomes a node, and what it serves. Images are built from it; security groups may be made from it. */
export type GuestManifest = {
  readonly role: 'render' | 'storage';
  readonly system: { readonly distribution: 'debian'; readonly release: 'bookworm' };
  readonly architectures: readonly Architecture[];
  /** Of the distribution, without what they recommend. */
  readonly packages: readonly string[];
  /** Folders of Medusa's sources that it runs from. */
  readonly folders: readonly string[];
  /** The agent, relative to the root of the sources. */
  readonly program: string;
  readonly ports: readonly { readonly protocol: 'tcp' | 'udp'; readonly port: number }[];
};

export const rtcPort = 44_444;
const dicomPort = 11_112;
const dicomwebPort = 8_443;

/** What a machine needs to boot, to find its network and to read its user data, or to be the first process of a container. */
const boot = [
  'systemd-sysv',
  'dbus',
  'udev',
  'cloud-init',
  'ifupdown',
  'isc-dhcp-client',
  'iproute2',
  'ca-certificates',
  'tini',
];

const common = {
  system: { distribution: 'debian', release: 'bookworm' },
  architectures: ['x64', 'arm64'],
} as const;

export const guestManifests: Readonly<Record<GuestManifest['role'], GuestManifest>> = {
  render: {
    ...common,
    role: 'render',
    packages: [
      ...boot,
      // What draws, and what holds it in.
      ...['chromium', 'aeskulap', 'amide', 'xvfb', 'xauth', 'openbox', 'matchbox-window-manager'],
      ...['bubblewrap', 'util-linux', 'procps', 'libgl1-mesa-dri', 'fonts-dejavu-core', 'fonts-liberation'],
      // What the media worker is linked with.
      ...['libuv1', 'libssl3', 'libsrtp2-1', 'libnss3', 'libstdc++6'],
    ],
    folders: ['broker/kernel', 'broker/protocol', 'renderer', 'client/dist'],
    program: 'renderer/main.ts',
    ports: [
      { protocol: 'udp', port: rtcPort },
      { protocol: 'tcp', port: rtcPort },
    ],
  },
  storage: {
    ...common,
    role: 'storage',
    packages: [...boot, 'libstdc++6'],
    folders: ['broker/kernel', 'broker/protocol', 'infra/storage'],
    program: 'infra/storage/main.ts',
    ports: [
      { protocol: 'tcp', port: dicomPort },
      { protocol: 'tcp', port: dicomwebPort },
    ],
  },
};
