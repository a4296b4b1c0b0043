import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { applicationSchema, type Application } from '@medusa/protocol';

/** The applications that come with Medusa, one file each. */
export const applicationsDir = join(import.meta.dirname, 'applications');

/** Reads the catalogue; a file that does not fit the schema stops the start. Our own workstation comes first. */
export async function loadCatalogue(dir: string): Promise<Application[]> {
  const names = (await readdir(dir)).filter((name) => name.endsWith('.json')).sort();
  const applications = await Promise.all(
    names.map(async (name) => applicationSchema.parse(JSON.parse(await readFile(join(dir, name), 'utf8')))),
  );
  return applications.sort((a, b) => Number(b.kind === 'workstation') - Number(a.kind === 'workstation'));
}
