import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { GuestManifest } from '@medusa/broker/provision/guest';
import type { Architecture } from '@medusa/protocol';
import { run } from './command.ts';
import { keyOf, type Layer } from './layers.ts';

export type DebianOptions = {
  readonly architecture: Architecture;
  /** Of http://deb.debian.org/debian or a mirror of it; packages are checked by Debian's keys. */
  readonly mirror: string;
  readonly securityMirror: string;
  /** Packages that were downloaded before. */
  readonly archivesFolder: string;
  readonly signal: AbortSignal;
};

/** Names of Debian's ports. */
const ports = { x64: 'amd64', arm64: 'arm64', riscv64: 'riscv64' } as const satisfies Record<
  Architecture,
  string
>;
/** Nothing that a machine without people at it needs; copyright files stay, as licences demand. */
const dpkgRules = [
  ...['doc/*', 'man/*', 'info/*', 'lintian/*', 'locale/*', 'gtk-doc/*', 'help/*'].map(
    (name) => `path-exclude=/usr/share/${name}`,
  ),
  'path-include=/usr/share/doc/*/copyright',
  'path-include=/usr/share/locale/locale.alias',
].join('\n');

/** The smallest Debian there is. */
export async function debianLayer(
  { release }: GuestManifest['system'],
  options: DebianOptions,
): Promise<Layer> {
  const { architecture, mirror, securityMirror, archivesFolder, signal } = options;
  const port = ports[architecture];
  const sources = [
    `deb ${mirror} ${release} main`,
    `deb ${mirror} ${release}-updates main`,
    `deb ${securityMirror} ${release}-security main`,
  ];
  return {
    name: 'debian',
    key: keyOf(await ownText(), release, port, sources, dpkgRules),
    async build(folder) {
      // In place before the first package is, and without a sync for each file: a build that breaks off is thrown away.
      const settings = path.join(folder, 'etc/dpkg/dpkg.cfg.d');
      await mkdir(settings, { recursive: true });
      await writeFile(path.join(settings, 'medusa'), `${dpkgRules}\n`);
      await writeFile(path.join(settings, 'unsafe-io'), 'force-unsafe-io\n');
      const flags = ['--variant=minbase', `--arch=${port}`, `--cache-dir=${archivesFolder}`];
      // A process namespace of its own: the shell script would go on for a while after it was told to end.
      const unshare = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'] as const;
      await run([...unshare, 'debootstrap', ...flags, release, folder, mirror], { signal });
      await writeFile(path.join(folder, 'etc/apt/sources.list'), `${sources.join('\n')}\n`);
      await rm(path.join(settings, 'unsafe-io'));
      await clean(folder);
    },
  };
}

type PackagesStep = {
  readonly name: string;
  readonly below: { readonly key: string; readonly folder: string };
  readonly packages: readonly string[];
  /** Commands that are run in it at the end. */
  readonly commands?: readonly (readonly [string, ...string[]])[];
};

/** The layer below and these packages, without what they recommend. */
export async function packagesLayer(
  { name, below, packages, commands = [] }: PackagesStep,
  { archivesFolder, signal }: DebianOptions,
): Promise<Layer> {
  return {
    name,
    key: keyOf(await ownText(), below.key, packages, commands),
    async build(folder) {
      await run(['cp', '-a', `${below.folder}/.`, folder], { signal });
      await prepare(folder);
      const apt = ['-q', '-y', '-o', 'Dpkg::Options::=--force-unsafe-io', '-o', 'APT::Sandbox::User=root'];
      const within = { folder, archivesFolder, signal };
      await runInside(['apt-get', ...apt, 'update'], within);
      await runInside(['apt-get', ...apt, 'upgrade'], within);
      await runInside(['apt-get', ...apt, 'install', '--no-install-recommends', ...packages], within);
      for (const command of commands) await runInside(command, within);
      await clean(folder);
    },
  };
}

/** Debian's tools start no service in a folder, and find the network as this machine does. */
async function prepare(folder: string): Promise<void> {
  const policy = path.join(folder, 'usr/sbin/policy-rc.d');
  await writeFile(policy, '#!/bin/sh\nexit 101\n');
  await chmod(policy, 0o755);
  await cp('/etc/resolv.conf', path.join(folder, 'etc/resolv.conf'), { dereference: true });
}

/**
 * A program in the folder as its root, in mount and process namespaces of its own: whatever it starts or leaves mounted ends
 * with it. /dev is the few devices that debootstrap made.
 */
async function runInside(
  command: readonly [string, ...string[]],
  { folder, archivesFolder, signal }: { folder: string; archivesFolder: string; signal: AbortSignal },
): Promise<void> {
  const script =
    'mount --bind "$2" "$1/var/cache/apt/archives" && root="$1" && shift 2 && exec chroot "$root" "$@"';
  const namespaces = [
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    `--mount-proc=${path.join(folder, 'proc')}`,
  ];
  await mkdir(path.join(archivesFolder, 'partial'), { recursive: true });
  await run(['unshare', ...namespaces, 'sh', '-c', script, 'sh', folder, archivesFolder, ...command], {
    signal,
    environment: { DEBIAN_FRONTEND: 'noninteractive', DEBCONF_NONINTERACTIVE_SEEN: 'true' },
  });
}

/** What belongs to the machine that builds, or to one installation alone. */
async function clean(folder: string): Promise<void> {
  const emptied = ['var/lib/apt/lists', 'var/cache/apt', 'tmp', 'run'];
  for (const name of emptied)
    for (const entry of await readdir(path.join(folder, name)))
      await rm(path.join(folder, name, entry), { recursive: true, force: true });
  await mkdir(path.join(folder, 'var/cache/apt/archives/partial'), { recursive: true });
  for (const entry of await readdir(path.join(folder, 'var/log'), { recursive: true, withFileTypes: true }))
    if (entry.isFile()) await rm(path.join(entry.parentPath, entry.name));
  for (const name of ['usr/sbin/policy-rc.d', 'etc/resolv.conf', 'var/lib/dbus/machine-id'])
    await rm(path.join(folder, name), { force: true });
  // Empty: systemd makes an id of its own at the first boot (machine-id(5)).
  await writeFile(path.join(folder, 'etc/machine-id'), '');
  await writeFile(path.join(folder, 'etc/hostname'), 'medusa\n');
  await writeFile(path.join(folder, 'etc/hosts'), '127.0.0.1 localhost\n127.0.1.1 medusa\n::1 localhost\n');
}

/** What this file does is part of what it makes. */
async function ownText(): Promise<string> {
  return readFile(import.meta.filename, 'utf8');
}
