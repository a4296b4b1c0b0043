import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { run } from './command.ts';

/** One step of an image: a folder of files, named by a hash of everything it is made from. */
export type Layer = {
  readonly name: string;
  readonly key: string;
  /** Fills the empty folder. */
  build(folder: string): Promise<void>;
};

const noteSchema = z.object({ name: z.string(), seconds: z.number(), megabytes: z.number() });

export type LayerReport = z.infer<typeof noteSchema> & { readonly key: string; readonly isCached: boolean };

export type LayerDeps = {
  readonly layersFolder: string;
  readonly report: (done: LayerReport) => void;
  readonly signal: AbortSignal;
};

/** The folder of a layer: from the cache, or built now. What breaks off leaves nothing that looks like a layer. */
export async function provideLayer(
  layer: Layer,
  { layersFolder, report, signal }: LayerDeps,
): Promise<string> {
  const { name, key } = layer;
  const folder = path.join(layersFolder, `${name}-${key}`);
  const noteFile = path.join(folder, 'layer.json');
  const root = path.join(folder, 'root');
  const known = await readFile(noteFile, 'utf8').catch(() => undefined);
  if (known !== undefined) {
    report({ ...noteSchema.parse(JSON.parse(known)), key, isCached: true });
    return root;
  }
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(path.join(part, 'root'), { recursive: true, mode: 0o755 });
  const startedAt = performance.now();
  await layer.build(path.join(part, 'root'));
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  const note = { name, seconds, megabytes: await megabytesOf(path.join(part, 'root'), signal) };
  await writeFile(path.join(part, 'layer.json'), JSON.stringify(note));
  await rename(part, folder);
  report({ ...note, key, isCached: false });
  return root;
}

/** A short name for everything that makes a difference. */
export function keyOf(...inputs: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 16);
}

/** Disk space of a folder. */
export async function megabytesOf(folder: string, signal: AbortSignal): Promise<number> {
  let text = '';
  const output = async (stdout: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of stdout) text += chunk.toString();
  };
  await run(['du', '-sm', folder], { signal, output });
  return Number.parseInt(text, 10);
}
