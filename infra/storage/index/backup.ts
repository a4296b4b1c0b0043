import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Gauge, type Registry } from 'prom-client';
import type { Logger } from 'pino';
import type { IndexDatabase } from './index-database.ts';

type BackupDeps = { readonly index: IndexDatabase; readonly folder: string; readonly log: Logger };

/** Copies of the index beside it, made while the node runs. */
export interface Backups extends AsyncDisposable {
  registerMeters(registry: Registry): void;
}

const kept = 2;
const hourMs = 60 * 60 * 1000;
const mostTimerMs = 2 ** 31 - 1;

/** @param everyHours 0: none are made */
export async function startBackups(everyHours: number, { index, folder, log }: BackupDeps): Promise<Backups> {
  if (everyHours === 0)
    return { registerMeters: () => undefined, [Symbol.asyncDispose]: async () => undefined };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let isEnding = false;
  let lastMs = timeOf((await namesIn(folder)).at(-1)) ?? 0;

  const make = async (): Promise<void> => {
    const at = new Date();
    const partial = join(folder, 'partial');
    await rm(partial, { force: true });
    await index.backup(partial);
    await using file = await open(partial, 'r');
    await file.sync();
    await rename(partial, join(folder, `index-${at.toISOString().replaceAll(':', '')}.sqlite`));
    lastMs = at.getTime();
    for (const name of (await namesIn(folder)).slice(0, -kept)) await rm(join(folder, name), { force: true });
    log.info('the index was backed up');
  };
  const schedule = (ms: number): void => {
    if (isEnding) return;
    timer = setTimeout(
      () => {
        running = make()
          .catch((error: unknown) => log.error({ err: error }, 'the index was not backed up'))
          .finally(() => schedule(everyHours * hourMs));
      },
      Math.min(ms, mostTimerMs),
    );
  };
  // Nodes are restarted more often than this is due, and have other things to do when they start.
  schedule(Math.max((everyHours * hourMs) / 24, lastMs + everyHours * hourMs - Date.now()));
  return {
    registerMeters(registry) {
      new Gauge({
        name: 'medusa_storage_index_backup_seconds',
        help: 'Since the index was backed up; NaN: never',
        registers: [registry],
        collect() {
          this.set(lastMs === 0 ? NaN : (Date.now() - lastMs) / 1000);
        },
      });
    },
    async [Symbol.asyncDispose]() {
      isEnding = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** The oldest first. */
async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => /^index-.*\.sqlite$/.test(name)).sort();
}

function timeOf(name: string | undefined): number | undefined {
  const [, day, hours, minutes, rest] = /^index-(.*T)(\d\d)(\d\d)(.*)\.sqlite$/.exec(name ?? '') ?? [];
  return day === undefined ? undefined : Date.parse(`${day}${hours}:${minutes}:${rest}`);
}
