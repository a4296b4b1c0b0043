import { createHash } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { GuestManifest } from '@medusa/broker/provision/guest';
import type { Architecture } from '@medusa/protocol';
import { startCommand } from './boot-files.ts';
import { run } from './command.ts';
import { writeLayerTar } from './rootfs.ts';

type OciOptions = {
  readonly manifest: GuestManifest;
  readonly architecture: Architecture;
  /** e.g. `medusa-render:3f2a…` */
  readonly reference: string;
  readonly signal: AbortSignal;
};

const goArchitectures = { x64: 'amd64', arm64: 'arm64', riscv64: 'riscv64' } as const;
const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
} as const;

/**
 * The folders as the layers of an image in an OCI layout (https://github.com/opencontainers/image-spec), with the
 * `manifest.json` that Docker before 25 asks for beside it.
 */
export async function writeOciTar(
  folders: readonly string[],
  file: string,
  options: OciOptions,
): Promise<void> {
  const { architecture, manifest, reference, signal } = options;
  const layout = `${file}.layout`;
  const blobs = path.join(layout, 'blobs/sha256');
  await rm(layout, { recursive: true, force: true });
  await mkdir(blobs, { recursive: true });
  const writeJson = async (mediaType: string, value: unknown): Promise<Descriptor> => {
    const text = JSON.stringify(value);
    const sha256 = createHash('sha256').update(text).digest('hex');
    await writeFile(path.join(blobs, sha256), text);
    return { mediaType, digest: `sha256:${sha256}`, size: Buffer.byteLength(text) };
  };
  try {
    const layers: Descriptor[] = [];
    for (const folder of folders) {
      const part = path.join(layout, 'layer.tar');
      const { sha256, bytes } = await writeLayerTar(folder, part, signal);
      await rename(part, path.join(blobs, sha256));
      layers.push({ mediaType: mediaTypes.layer, digest: `sha256:${sha256}`, size: bytes });
    }
    const config = await writeJson(mediaTypes.config, {
      architecture: goArchitectures[architecture],
      os: 'linux',
      config: {
        // The first process reaps what its descendants leave.
        Entrypoint: ['/usr/bin/tini', '-g', '--'],
        Cmd: [startCommand],
        Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8'],
        ExposedPorts: Object.fromEntries(
          manifest.ports.map(({ port, protocol }) => [`${port}/${protocol}`, {}]),
        ),
        StopSignal: 'SIGTERM',
      },
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    });
    const image = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers };
    const described = await writeJson(mediaTypes.manifest, image);
    const annotations = {
      'org.opencontainers.image.ref.name': reference,
      'io.containerd.image.name': `docker.io/library/${reference}`,
    };
    const documents = {
      'oci-layout': { imageLayoutVersion: '1.0.0' },
      'index.json': {
        schemaVersion: 2,
        mediaType: mediaTypes.index,
        manifests: [{ ...described, annotations }],
      },
      'manifest.json': [{ Config: blobPath(config), RepoTags: [reference], Layers: layers.map(blobPath) }],
    };
    for (const [name, value] of Object.entries(documents))
      await writeFile(path.join(layout, name), JSON.stringify(value));
    await run(['tar', '--numeric-owner', '-cf', file, '-C', layout, ...Object.keys(documents), 'blobs'], {
      signal,
    });
  } finally {
    await rm(layout, { recursive: true, force: true });
  }
}

type Descriptor = { readonly mediaType: string; readonly digest: string; readonly size: number };

function blobPath({ digest }: Descriptor): string {
  return `blobs/${digest.replace(':', '/')}`;
}
