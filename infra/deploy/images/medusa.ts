import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { GuestManifest } from '@medusa/broker/provision/guest';
import { z } from 'zod';
import { installFolder, systemFiles, systemLinks } from './boot-files.ts';
import { dependenciesOf } from './dependencies.ts';
import { keyOf, type Layer } from './layers.ts';

type MedusaOptions = {
  readonly checkout: string;
  /** Programs that go along, by name: the Node that runs this, and what else was built for this machine. */
  readonly programs: Readonly<Record<string, string>>;
};

/** Only what is added to the system below: Medusa with all it needs, and how it is started. */
export async function medusaLayer(
  manifest: GuestManifest,
  { checkout, programs }: MedusaOptions,
): Promise<Layer> {
  const packages = manifest.folders.map((folder) => packageFolderOf(checkout, folder));
  const sources = [
    ...(await filesOf(checkout, manifest.folders)).filter(isRun),
    ...packages.map((folder) => path.join(folder, 'package.json')),
  ];
  const installed = await filesOf(checkout, await dependenciesOf(checkout, sources));
  const files = [...new Set([...sources, ...installed])].sort();
  const system = systemFiles(manifest);
  return {
    name: `medusa-${manifest.role}`,
    key: keyOf(
      await readFile(import.meta.filename, 'utf8'),
      system,
      await hashOf(files.map((file) => [file, path.join(checkout, file)])),
      await hashOf(Object.entries(programs)),
    ),
    async build(folder) {
      const target = path.join(folder, installFolder);
      for (const file of files) await copy(path.join(checkout, file), path.join(target, file));
      for (const [name, file] of Object.entries(programs)) {
        await copy(file, path.join(target, 'bin', name));
        await chmod(path.join(target, 'bin', name), 0o755);
      }
      await mkdir(path.join(target, 'node_modules/@medusa'), { recursive: true });
      for (const packageFolder of packages)
        await symlink(
          path.join('../..', packageFolder),
          path.join(target, 'node_modules/@medusa', await shortNameOf(checkout, packageFolder)),
        );
      for (const { file, mode, content } of system) {
        await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
        await writeFile(path.join(folder, file), content, { mode });
      }
      for (const name of ['etc/medusa', 'var/lib/medusa'])
        await mkdir(path.join(folder, name), { recursive: true, mode: 0o700 });
      for (const [link, to] of Object.entries(systemLinks)) {
        await mkdir(path.dirname(path.join(folder, link)), { recursive: true });
        await symlink(to, path.join(folder, link));
      }
    },
  };
}

/** A folder's files, relative to the checkout, without packages that lie in it. */
async function filesOf(checkout: string, folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    folders.map(async (folder) => {
      if (!existsSync(path.join(checkout, folder)))
        throw new Error(`${folder} is not there; "npm run build:client" makes the browser client`);
      const entries = await readdir(path.join(checkout, folder), { withFileTypes: true });
      const inner = entries
        .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules' && entry.name !== '.tsc')
        .map(({ name }) => path.join(folder, name));
      return [
        ...entries.filter((entry) => !entry.isDirectory()).map(({ name }) => path.join(folder, name)),
        ...(await filesOf(checkout, inner)),
      ];
    }),
  );
  return found.flat();
}

/** Of our own folders: what is neither a test nor a tool's settings. */
function isRun(file: string): boolean {
  return !/(^|\/)(test-support|testing)\/|\.test\.ts$|\/tsconfig\.json$|\.md$/.test(file);
}

function packageFolderOf(checkout: string, folder: string): string {
  return existsSync(path.join(checkout, folder, 'package.json'))
    ? folder
    : packageFolderOf(checkout, path.dirname(folder));
}

async function shortNameOf(checkout: string, packageFolder: string): Promise<string> {
  const text = await readFile(path.join(checkout, packageFolder, 'package.json'), 'utf8');
  const { name } = z.object({ name: z.string().startsWith('@medusa/') }).parse(JSON.parse(text));
  return name.slice('@medusa/'.length);
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(path.dirname(to), { recursive: true });
  await cp(from, to, { dereference: true });
}

/** Of names and contents. */
async function hashOf(files: readonly (readonly [name: string, file: string])[]): Promise<string> {
  const hash = createHash('sha256');
  for (const [name, file] of files) {
    hash.update(`${name}\0`);
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    hash.update('\0');
  }
  return hash.digest('hex');
}
