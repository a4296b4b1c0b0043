import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, loadConfigFromFile } from 'vite';

const client = join(import.meta.dirname, '../..');

/** The workstation page as the product builds it, in a folder of its own. */
export async function buildPage(): Promise<{ readonly folder: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'workstation-page-'));
  const loaded = await loadConfigFromFile(
    { command: 'build', mode: 'production' },
    join(client, 'vite.config.ts'),
  );
  if (!loaded) throw new Error('The client has no Vite configuration.');
  await build({
    ...loaded.config,
    configFile: false,
    logLevel: 'error',
    build: {
      ...loaded.config.build,
      outDir: folder,
      rolldownOptions: { input: { workstation: join(client, 'workstation/index.html') } },
    },
  });
  return { folder, [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }) };
}
