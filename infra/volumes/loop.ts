import { z } from 'zod';
import type { Run } from '../host/run.ts';

const listingSchema = z.object({
  loopdevices: z.array(z.object({ name: z.string(), 'back-file': z.string().nullable() })),
});

/** The loop devices of a file, as the kernel tells: none after a boot, whatever was attached before. */
export async function devicesOf(run: Run, file: string): Promise<readonly string[]> {
  const text = await run('losetup', ['-J', '-O', 'NAME,BACK-FILE', '-j', file]);
  if (text.trim() === '') return [];
  return listingSchema.parse(JSON.parse(text)).loopdevices.map(({ name }) => name);
}

export async function attachLoop(run: Run, file: string): Promise<string> {
  // A second device for the same file would be a second, unsynchronised cache.
  return (await run('losetup', ['--find', '--show', '--nooverlap', file])).trim();
}

/** A device in use is only marked, and goes when its last user does. */
export async function detachLoop(run: Run, device: string): Promise<void> {
  await run('losetup', ['--detach', device]);
}
