import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from './command.ts';
import { megabytesOf } from './layers.ts';

/** What makes a system bootable by itself: a kernel, GRUB for a BIOS, and what grows the root to the disk that it gets. */
export const kernelPackages = [
  ...['linux-image-cloud-amd64', 'initramfs-tools', 'grub-pc-bin', 'grub-common'],
  ...['cloud-guest-utils', 'fdisk', 'e2fsprogs'],
] as const;
const coreFile = 'boot/grub/core.img';
const bootFile = 'usr/lib/grub/i386-pc/boot.img';
/** Finds its settings on the first partition of the disk that the BIOS started it from. */
export const bootLoaderCommands: readonly (readonly [string, ...string[]])[] = [
  ['mkdir', '-p', '/boot/grub'],
  [
    'grub-mkimage',
    ...['-O', 'i386-pc', '-o', `/${coreFile}`, '-p', '(hd0,msdos1)/boot/grub'],
    ...['biosdisk', 'part_msdos', 'ext2', 'normal', 'configfile', 'linux', 'serial', 'terminal'],
  ],
];

const sectorBytes = 512;
/** Where the partition begins, as customary: the boot loader lies before it. */
const firstSector = 2_048;
const mebibyte = 2 ** 20;
const freeMegabytes = 1_024;

/**
 * The folders, one over the other, as the ext4 file system of a disk that a BIOS boots: master boot record, GRUB behind it,
 * one partition. Nothing is mounted for it.
 */
export async function writeDisk(
  folders: readonly string[],
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const staging = `${file}.staging`;
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { mode: 0o755 });
  try {
    // Links, not copies: the layers stay as they are, for what is written here is written to new files.
    for (const folder of folders) await run(['cp', '-al', `${folder}/.`, staging], { signal });
    await rm(path.join(staging, 'dev'), { recursive: true });
    await mkdir(path.join(staging, 'dev'));
    const signature = createHash('sha256').update(path.basename(file)).digest().subarray(0, 4);
    const root = `PARTUUID=${Buffer.from(signature).reverse().toString('hex')}-01`;
    await replace(path.join(staging, 'etc/fstab'), `${root} / ext4 errors=remount-ro 0 1\n`);
    await replace(path.join(staging, 'boot/grub/grub.cfg'), grubSettings(root));

    const megabytes = (await megabytesOf(staging, signal)) + freeMegabytes;
    await writeBootSectors(file, { staging, signature, sectors: (megabytes * mebibyte) / sectorBytes });
    const features = ['-O', '^metadata_csum_seed,^orphan_file', '-L', 'medusa'];
    const place = ['-E', `offset=${firstSector * sectorBytes},root_owner=0:0`, '-d', staging];
    await run(['mke2fs', '-q', '-F', '-t', 'ext4', ...features, ...place, file, `${megabytes}M`], { signal });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

export async function toQcow2(rawFile: string, file: string, signal: AbortSignal): Promise<void> {
  const options = ['-f', 'raw', '-O', 'qcow2', '-c', '-o', 'compression_type=zstd'];
  await run(['qemu-img', 'convert', ...options, rawFile, file], { signal });
}

/** The root may lie on any kind of disk; what the machine says is to be seen on its serial line. */
function grubSettings(root: string): string {
  return `set timeout=0
serial --unit=0 --speed=115200
terminal_output console serial
menuentry 'Medusa' {
  linux /vmlinuz root=${root} ro net.ifnames=0 console=tty0 console=ttyS0,115200
  initrd /initrd.img
}
`;
}

/** GRUB's two stages expect each other where they are put here: sectors 0 and 1. */
async function writeBootSectors(
  file: string,
  { staging, signature, sectors }: { staging: string; signature: Uint8Array; sectors: number },
): Promise<void> {
  const [boot, core] = await Promise.all(
    [bootFile, coreFile].map(async (name) => readFile(path.join(staging, name))),
  );
  if (!boot || !core || core.byteLength > (firstSector - 1) * sectorBytes)
    throw new Error('The boot loader does not fit before the partition');
  const record = Buffer.alloc(sectorBytes);
  boot.copy(record, 0, 0, 440);
  Buffer.from(signature).copy(record, 440);
  // Active, Linux; cylinders and heads say "see the sector numbers".
  record.set([0x80, 0xfe, 0xff, 0xff, 0x83, 0xfe, 0xff, 0xff], 446);
  record.writeUInt32LE(firstSector, 454);
  record.writeUInt32LE(sectors, 458);
  record.writeUInt16BE(0x55aa, 510);
  const disk = await open(file, 'w', 0o644);
  try {
    await disk.write(record, 0, sectorBytes, 0);
    await disk.write(core, 0, core.byteLength, sectorBytes);
    await disk.truncate((firstSector + sectors) * sectorBytes);
  } finally {
    await disk.close();
  }
}

async function replace(file: string, content: string): Promise<void> {
  await rm(file, { force: true });
  await writeFile(file, content);
}
