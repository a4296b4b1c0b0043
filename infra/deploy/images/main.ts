import { existsSync } from 'node:fs';
import { arch, homedir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { imageSpecSchema } from '@medusa/protocol';
import { z } from 'zod';
import { imageFile } from './image-store.ts';
import type { LayerReport } from './layers.ts';

const usage = `Builds the image of a guest, or answers the one that was built before.

  node infra/deploy/images/main.ts build --role render|storage --format rootfs-tar|qcow2|raw|oci-tar [--architecture x64|arm64]

Progress goes to standard error; standard output is one line of JSON: {"file": …, "contentHash": …}.
Needs root, and Debian's debootstrap, zstd, e2fsprogs (disks) and qemu-utils (qcow2).
`;
const checkout = path.resolve(import.meta.dirname, '../../..');
const env = z
  .object({
    HOME: z.string().default(homedir()),
    XDG_CACHE_HOME: z.string().optional(),
    MEDIASOUP_WORKER_BIN: z.string().optional(),
    MEDUSA_DEBIAN_MIRROR: z.url().default('http://deb.debian.org/debian'),
    MEDUSA_DEBIAN_SECURITY_MIRROR: z.url().default('http://deb.debian.org/debian-security'),
  })
  .parse(process.env);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    role: { type: 'string' },
    format: { type: 'string' },
    architecture: { type: 'string', default: arch() },
  },
});
const spec = imageSpecSchema.safeParse({ kind: 'image', ...values });
if (positionals[0] !== 'build' || !spec.success) {
  process.stderr.write(usage);
  process.exit(2);
}

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
try {
  const image = await imageFile(spec.data, {
    cacheFolder: path.join(env.XDG_CACHE_HOME ?? path.join(env.HOME, '.cache'), 'medusa/images'),
    checkout,
    nodeBinary: process.execPath,
    mediaWorker: spec.data.role === 'render' ? mediaWorker() : undefined,
    mirror: env.MEDUSA_DEBIAN_MIRROR,
    securityMirror: env.MEDUSA_DEBIAN_SECURITY_MIRROR,
    signal: stopping.signal,
    report: tell,
  });
  process.stdout.write(`${JSON.stringify(image)}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

/** As the set-up provides it: built for this machine, or upstream's. */
function mediaWorker(): string {
  const prebuilt = path.join(checkout, 'node_modules/mediasoup/worker/out/Release/mediasoup-worker');
  const file = env.MEDIASOUP_WORKER_BIN ?? prebuilt;
  if (!existsSync(file))
    throw new Error('There is no media worker; "npm start" makes one and says where (MEDIASOUP_WORKER_BIN)');
  return file;
}

function tell({ name, key, seconds, megabytes, isCached }: LayerReport): void {
  const what = isCached ? 'there' : `made in ${seconds} s`;
  process.stderr.write(`  ${name.padEnd(16)} ${key}  ${String(megabytes).padStart(5)} MiB  ${what}\n`);
}
