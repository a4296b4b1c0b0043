import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 250;

/** Held by one process of this machine at a time; the lock of a process that died is broken. */
export async function lock(folder: string, signal: AbortSignal): Promise<AsyncDisposable> {
  const holderFile = path.join(folder, 'pid');
  for (;;) {
    try {
      await mkdir(folder);
      await writeFile(holderFile, String(process.pid));
      return { [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = await readFile(holderFile, 'utf8').catch(() => undefined);
      if (holder !== undefined && holder !== '' && !existsSync(`/proc/${holder}`))
        await rm(folder, { recursive: true, force: true });
      else await delay(pollMs, undefined, { signal });
    }
  }
}
