import { architectureSchema } from '@medusa/protocol';
import { z } from 'zod';
import { sizeSettingsSchema } from '../../port/index.ts';

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/);
const absolute = z.string().startsWith('/');
const common = { id: name, architecture: architectureSchema };

/** What machines are made from. Paths are on the hypervisor's host. */
const imageSchema = z.discriminatedUnion('kind', [
  /** A volume of the storage pool; each machine writes onto a layer of its own. */
  z.strictObject({ kind: z.literal('volume'), ...common, volume: name, format: z.enum(['qcow2', 'raw']) }),
  /** A kernel that is started directly, with everything in its initial file system. */
  z.strictObject({
    kind: z.literal('kernel'),
    ...common,
    kernel: absolute,
    initrd: absolute,
    cmdline: z.string().default(''),
  }),
  /** A folder that is copied for each container (LXC only; the broker must run on that host). */
  z.strictObject({ kind: z.literal('rootfs'), ...common, directory: absolute, init: absolute }),
]);
export type LibvirtImage = z.infer<typeof imageSchema>;

export const libvirtSettingsSchema = z.strictObject({
  /** libvirt's connection URI (libvirt.org/uri.html), e.g. `qemu:///system`, `qemu+tls://host/system`, `lxc:///system`. */
  uri: z.string().regex(/^(qemu|lxc)(\+(unix|tcp|tls|ssh))?:\/\/[^\s]*$/),
  virsh: z.string().default('virsh'),
  /** `qemu` emulates, and runs other architectures than the host's. Containers are `lxc` by their URI. */
  domainType: z.enum(['kvm', 'qemu']).default('kvm'),
  images: z.array(imageSchema).default([]),
  sizes: sizeSettingsSchema,
  /** A `dir` pool. */
  storagePool: name.default('default'),
  /** The network of machines that name none; `user`: QEMU's own, without a way in; `null`: none. */
  network: name.nullable().default('default'),
  /** How the seed of cloud-init is made: `genisoimage`, or `xorriso -as mkisofs`. `null`: none is given. */
  isoProgram: z.array(z.string()).min(1).nullable().default(['genisoimage']),
  /** Where the folders of containers lie. */
  rootfsDir: absolute.default('/var/lib/medusa/lxc'),
  /** User namespaces of containers: their root is this id on the host, and so must the image's files belong to. */
  idMap: z
    .strictObject({ target: z.int().min(1), count: z.int().min(1) })
    .nullable()
    .default(null),
  stopSeconds: z.int().min(1).max(600).default(30),
});
export type LibvirtSettings = z.infer<typeof libvirtSettingsSchema>;

/** libvirt's own: certificates, SSH keys and SASL lie where libvirt's client looks for them. */
export const libvirtCredentialsSchema = z.strictObject({});
export type LibvirtCredentials = z.infer<typeof libvirtCredentialsSchema>;

export function isContainers({ uri }: Pick<LibvirtSettings, 'uri'>): boolean {
  return uri.startsWith('lxc');
}
