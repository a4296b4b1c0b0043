import type { Architecture } from '@medusa/protocol';
import { findSize, ProviderError, type MachineRequest, type OwnerTag } from '../../port/index.ts';
import { isContainers, type LibvirtImage, type LibvirtSettings } from './settings.ts';
import { metadataOf, writeXml } from './xml.ts';

/** Names of architectures at libvirt, and the board that QEMU emulates for each. */
export const boards: Readonly<Record<Architecture, { readonly arch: string; readonly machine: string }>> = {
  x64: { arch: 'x86_64', machine: 'q35' },
  arm64: { arch: 'aarch64', machine: 'virt' },
  riscv64: { arch: 'riscv64', machine: 'virt' },
};

/**
 * Where a guest gets all that its processor can (libvirt.org/formatdomain.html#cpu-model-and-topology): the default is one of 2003,
 * on which an encoder crawls.
 */
const hasWholeProcessor: ReadonlySet<string> = new Set(['x86_64', 'aarch64']);

export const rootVolume = (name: string): string => `${name}.root`;
export const seedVolume = (name: string): string => `${name}.seed`;
export const consoleVolume = (name: string): string => `${name}.console`;
export const rootfsOf = (settings: Pick<LibvirtSettings, 'rootfsDir'>, name: string): string =>
  `${settings.rootfsDir}/${name}`;

export type DomainPlan = {
  readonly request: MachineRequest;
  readonly image: LibvirtImage;
  readonly tag: OwnerTag;
  readonly name: string;
  /** The folder of the storage pool: what the machine prints is kept there. */
  readonly poolDir: string;
};

/** A domain's XML (libvirt.org/formatdomain.html). Nothing of the host is in it but what the settings name. */
export function domainXml(plan: DomainPlan, settings: LibvirtSettings): string {
  const { request, tag, name } = plan;
  const size = findSize(settings.sizes, request.size);
  if (size.gpu) throw new ProviderError('invalid', 'GPUs are not passed through here');
  const isContainer = isContainers(settings);
  return writeXml({
    domain: {
      '@type': isContainer ? 'lxc' : settings.domainType,
      name,
      metadata: metadataOf(tag, { name, image: request.image, size: size.id }),
      memory: { '@unit': 'MiB', '#text': String(size.memoryMiB) },
      vcpu: String(Math.ceil(size.cpus)),
      ...(isContainer ? containerOf(plan, settings) : machineOf(plan, settings)),
    },
  });
}

function machineOf(plan: DomainPlan, settings: LibvirtSettings): object {
  const { image, name, poolDir, request } = plan;
  if (image.kind === 'rootfs') throw new ProviderError('invalid', `${image.id} is for containers`);
  const { arch, machine } = boards[image.architecture];
  const kernel = image.kind === 'kernel' && {
    kernel: image.kernel,
    initrd: image.initrd,
    cmdline: image.cmdline,
  };
  const disks = [
    ...(image.kind === 'volume' ? [disk(settings, rootVolume(name), { dev: 'vda', bus: 'virtio' })] : []),
    ...(settings.isoProgram ? [seed(settings, name)] : []),
  ];
  const serial = { '@type': 'pty', log: { '@file': `${poolDir}/${consoleVolume(name)}`, '@append': 'off' } };
  return {
    os: { type: { '@arch': arch, '@machine': machine, '#text': 'hvm' }, ...kernel },
    ...(hasWholeProcessor.has(arch) && { cpu: { '@mode': 'maximum' } }),
    features: arch === 'x86_64' ? { acpi: '' } : {},
    on_crash: 'destroy',
    devices: {
      // Volumes come and go on a SCSI bus: it needs no free slots.
      controller: { '@type': 'scsi', '@model': 'virtio-scsi' },
      disk: disks,
      interface: interfacesOf(request, settings),
      serial,
      rng: { '@model': 'virtio', backend: { '@model': 'random', '#text': '/dev/urandom' } },
    },
  };
}

function containerOf({ image, name, request }: DomainPlan, settings: LibvirtSettings): object {
  if (image.kind !== 'rootfs') throw new ProviderError('invalid', `${image.id} is no root file system`);
  const environment = Object.entries(request.guest.environment);
  // libvirt writes them out again without escaping them, and cannot read then what it wrote (seen with 9.0).
  const unspeakable = environment.find(([, value]) => /[<&]/.test(value));
  if (unspeakable)
    throw new ProviderError('invalid', `libvirt gives a container no value with < or &: ${unspeakable[0]}`);
  const range = settings.idMap && {
    '@start': '0',
    '@target': String(settings.idMap.target),
    '@count': String(settings.idMap.count),
  };
  return {
    os: {
      type: { '@arch': boards[image.architecture].arch, '#text': 'exe' },
      init: image.init,
      initenv: environment.map(([key, value]) => ({ '@name': key, '#text': value })),
    },
    ...(range && { idmap: { uid: range, gid: range } }),
    devices: {
      filesystem: {
        '@type': 'mount',
        '@accessmode': 'passthrough',
        source: { '@dir': rootfsOf(settings, name) },
        target: { '@dir': '/' },
      },
      interface: interfacesOf(request, settings),
      console: { '@type': 'pty' },
    },
  };
}

function interfacesOf(request: MachineRequest, settings: LibvirtSettings): object[] {
  const fallback = settings.network === null ? [] : [settings.network];
  const networks = request.networkRefs.length > 0 ? request.networkRefs : fallback;
  const model = isContainers(settings) ? {} : { model: { '@type': 'virtio' } };
  return networks.map((network) =>
    network === 'user'
      ? { '@type': 'user', ...model }
      : { '@type': 'network', source: { '@network': network }, ...model },
  );
}

/** A volume of the pool as a disk. */
export function disk(
  { storagePool }: Pick<LibvirtSettings, 'storagePool'>,
  volume: string,
  { dev, bus, serial }: { dev: string; bus: 'virtio' | 'scsi'; serial?: string },
): object {
  return {
    '@type': 'volume',
    '@device': 'disk',
    driver: { '@name': 'qemu', '@type': 'qcow2' },
    source: { '@pool': storagePool, '@volume': volume },
    target: { '@dev': dev, '@bus': bus },
    ...(serial === undefined ? {} : { serial }),
  };
}

function seed({ storagePool }: LibvirtSettings, name: string): object {
  return {
    '@type': 'volume',
    '@device': 'cdrom',
    driver: { '@name': 'qemu', '@type': 'raw' },
    source: { '@pool': storagePool, '@volume': seedVolume(name) },
    target: { '@dev': 'sda', '@bus': 'scsi' },
    readonly: '',
  };
}
