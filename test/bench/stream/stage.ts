import { chmod, copyFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Scene } from './content/scenes.ts';

const programFolder = path.join(import.meta.dirname, 'program');

/** A folder with all that the program needs, readable by everybody: a session's application runs as a user of its own. */
export type Stage = AsyncDisposable & {
  readonly folder: string;
  /** The program with its scene, for whoever sees the folder where it is. */
  readonly command: readonly [string, ...string[]];
};

export async function createStage(scene: Scene): Promise<Stage> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'medusa-bench-stage-'));
  starting.defer(async () => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  await scene.write(folder);
  for (const name of ['main.ts', 'layout.ts'])
    await copyFile(path.join(programFolder, name), path.join(folder, name));
  await writeFile(path.join(folder, 'package.json'), '{"type":"module"}');
  const library = path.dirname(createRequire(import.meta.url).resolve('x11/package.json'));
  const copied = path.join(folder, 'node_modules/x11');
  await mkdir(copied, { recursive: true });
  for (const part of ['lib', 'package.json'])
    await cp(path.join(library, part), path.join(copied, part), { recursive: true });
  const running = starting.move();
  return {
    folder,
    command: [process.execPath, path.join(folder, 'main.ts'), path.join(folder, 'content.json')],
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}
