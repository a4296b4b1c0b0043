import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { guestManifests, type GuestManifest } from '@medusa/broker/provision/guest';
import type { ImageSpec } from '@medusa/protocol';
import { debianLayer, packagesLayer } from './debian.ts';
import { bootLoaderCommands, kernelPackages, toQcow2, writeDisk } from './disk.ts';
import { keyOf, provideLayer, type Layer, type LayerReport } from './layers.ts';
import { lock } from './lock.ts';
import { medusaLayer } from './medusa.ts';
import { writeOciTar } from './oci.ts';
import { writeRootfsTar } from './rootfs.ts';

export type ImageStoreOptions = {
  readonly cacheFolder: string;
  readonly checkout: string;
  readonly nodeBinary: string;
  /** Linked with the libraries of the manifest's system. */
  readonly mediaWorker: string | undefined;
  readonly mirror: string;
  readonly securityMirror: string;
  readonly signal: AbortSignal;
  readonly report: (done: LayerReport) => void;
};

type Parts = { readonly folders: readonly string[]; readonly keys: readonly string[] };

const extensions = { 'rootfs-tar': 'tar.zst', raw: 'raw', qcow2: 'qcow2', 'oci-tar': 'oci.tar' } as const;

/**
 * The file of an image, built unless everything that goes into it was built before. `contentHash` is the same as long as
 * Medusa, the manifest and the way images are made are; packages are those of the day their layer was built.
 * @throws Error that says what is missing on this machine, or what failed.
 */
export async function imageFile(
  spec: Omit<ImageSpec, 'kind'>,
  options: ImageStoreOptions,
): Promise<{ file: string; contentHash: string }> {
  const manifest = guestManifests[spec.role];
  requirePossible(spec, manifest);
  const { cacheFolder, signal, report } = options;
  for (const name of ['layers', 'images', 'archives'])
    await mkdir(path.join(cacheFolder, name), { recursive: true });
  await using locks = new AsyncDisposableStack();
  locks.use(await lock(path.join(cacheFolder, 'lock'), signal));

  const { folders, keys } = await layersOf(spec, manifest, options);
  const contentHash = keyOf(spec.format, keys, await ownTexts());
  const name = `medusa-${spec.role}-${spec.architecture}-${contentHash}`;
  const file = path.join(cacheFolder, 'images', `${name}.${extensions[spec.format]}`);
  const isCached = existsSync(file);
  const startedAt = performance.now();
  if (!isCached) await write(file, folders, { spec, manifest, contentHash, signal });
  const megabytes = Math.ceil((await stat(file)).size / 2 ** 20);
  report({ name: spec.format, key: contentHash, seconds: secondsSince(startedAt), megabytes, isCached });
  return { file, contentHash };
}

async function layersOf(
  { format, architecture }: Omit<ImageSpec, 'kind'>,
  manifest: GuestManifest,
  options: ImageStoreOptions,
): Promise<Parts> {
  const { cacheFolder, checkout, nodeBinary, mediaWorker, signal, report } = options;
  const { mirror, securityMirror } = options;
  const deps = { layersFolder: path.join(cacheFolder, 'layers'), signal, report };
  const archivesFolder = path.join(cacheFolder, 'archives');
  const debian = { architecture, mirror, securityMirror, archivesFolder, signal };
  const provide = async (layer: Layer): Promise<{ key: string; folder: string }> => ({
    key: layer.key,
    folder: await provideLayer(layer, deps),
  });

  const base = await provide(await debianLayer(manifest.system, debian));
  const { role, packages } = manifest;
  let system = await provide(await packagesLayer({ name: role, below: base, packages }, debian));
  if (format === 'raw' || format === 'qcow2') {
    const kernel = { packages: kernelPackages, commands: bootLoaderCommands };
    system = await provide(await packagesLayer({ name: `${role}-kernel`, below: system, ...kernel }, debian));
  }
  const programs = {
    node: nodeBinary,
    ...(mediaWorker !== undefined && { 'mediasoup-worker': mediaWorker }),
  };
  const medusa = await provide(await medusaLayer(manifest, { checkout, programs }));
  return { folders: [system.folder, medusa.folder], keys: [system.key, medusa.key] };
}

type Making = {
  readonly spec: Omit<ImageSpec, 'kind'>;
  readonly manifest: GuestManifest;
  readonly contentHash: string;
  readonly signal: AbortSignal;
};

/** Whole or not at all. */
async function write(file: string, folders: readonly string[], making: Making): Promise<void> {
  const { spec, manifest, contentHash, signal } = making;
  const part = `${file}.part`;
  await rm(part, { force: true });
  try {
    switch (spec.format) {
      case 'rootfs-tar':
        await writeRootfsTar(folders, part, signal);
        break;
      case 'oci-tar':
        await writeOciTar(folders, part, {
          ...{ manifest, architecture: spec.architecture, signal },
          reference: `medusa-${spec.role}:${contentHash}`,
        });
        break;
      case 'raw':
        await writeDisk(folders, part, signal);
        break;
      case 'qcow2':
        await writeDisk(folders, `${part}.raw`, signal);
        await toQcow2(`${part}.raw`, part, signal);
        break;
    }
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
    await rm(`${part}.raw`, { force: true });
  }
}

function requirePossible(
  { role, architecture, format }: Omit<ImageSpec, 'kind'>,
  { architectures }: GuestManifest,
): void {
  if (!architectures.includes(architecture))
    throw new Error(`A ${role} guest is made for ${architectures.join(' and ')}, not for ${architecture}`);
  // Packages run programs of theirs when they are installed, and Medusa's own are those of this machine.
  if (architecture !== process.arch)
    throw new Error(`An image for ${architecture} is built on such a machine; this one is ${process.arch}`);
  if (architecture !== 'x64' && (format === 'raw' || format === 'qcow2'))
    throw new Error('Disks are made for x64 alone, as their boot loader is for a BIOS');
}

function secondsSince(startedAt: number): number {
  return Math.round((performance.now() - startedAt) / 100) / 10;
}

/** How an image is put together is part of what it is. */
async function ownTexts(): Promise<string> {
  const names = ['image-store.ts', 'disk.ts', 'oci.ts', 'rootfs.ts'];
  const texts = names.map(async (name) => readFile(path.join(import.meta.dirname, name), 'utf8'));
  return (await Promise.all(texts)).join('\0');
}
