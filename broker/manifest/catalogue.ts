import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Application, Manifest } from '@medusa/protocol';
import { applicationOf } from './application.ts';
import { parseCords } from './cords/index.ts';

/** The manifests that come with Medusa, one file each. */
export const applicationsDir = join(import.meta.dirname, 'applications');

export type Catalogue = {
  /** By name. */
  readonly manifests: ReadonlyMap<string, Manifest>;
  /** What sessions can be made of; our own workstation comes first. */
  readonly applications: readonly Application[];
};

/** Reads the catalogue; a manifest that is wrong, or one of a name that is there already, stops the start. */
export async function loadCatalogue(dir: string): Promise<Catalogue> {
  const names = (await readdir(dir)).filter((name) => name.endsWith('.xml')).sort();
  const manifests = new Map<string, Manifest>();
  for (const file of names) {
    const manifest = read(file, await readFile(join(dir, file), 'utf8'));
    if (manifests.has(manifest.name)) throw new Error(`${file}: there is another manifest ${manifest.name}`);
    manifests.set(manifest.name, manifest);
  }
  const applications = [...manifests.values()].map(applicationOf).filter((found) => found !== null);
  return {
    manifests,
    applications: applications.sort((a, b) => rankOf(b) - rankOf(a)),
  };
}

/** Our own first: the workstation in one piece, in two, and what is for some studies only. */
function rankOf({ kind, canSplit }: Application): number {
  if (kind === 'x11') return 0;
  if (kind === 'slides') return 1;
  return canSplit === true ? 2 : 3;
}

/** Our own files are held to more than a stranger's: not even a warning passes. */
function read(file: string, text: string): Manifest {
  const { manifest, problems } = parseCords(text);
  const [problem] = problems;
  if (problem) throw new Error(`${file}:${problem.line ?? 1}:${problem.column ?? 1}: ${problem.message}`);
  if (!manifest) throw new Error(`${file} is no manifest`);
  return manifest;
}
