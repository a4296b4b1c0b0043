import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesOf, readDicomFile, splitFile, type DicomFile } from '../testing/files.ts';
import { store } from '../testing/scu.ts';
import { partsOf, startTestNode, type TestNode } from '../testing/test-node.ts';
import { startBackups } from './backup.ts';
import { openStudyIndex, totalsOf } from './study-index.ts';

const run = promisify(execFile);
const program = fileURLToPath(new URL('../restore-index.ts', import.meta.url));
const patience = { timeout: 20_000, interval: 50 };

describe('the index', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'index-backup-'));
  });
  afterEach(async () => rm(folder, { recursive: true, force: true }));

  it('comes back of its backup, with all that came after it, here and in the object store', async () => {
    const slices = await Promise.all((await filesOf('ct-chest')).slice(0, 6).map(readDicomFile));
    await using storage = await startTestNode({
      ...{ objects: 'folder', objectsUrl: join(folder, 'bucket'), scrubDays: 0, hotGiB: 1e-9 },
      backupHours: 24,
    });
    const backups = join(storage.directory, 'backup');
    const send = async (objects: readonly DicomFile[]): Promise<void> => {
      for (const { meta, dataSet } of objects)
        expect(await store(storage.node.dicomPort, { ...meta, dataSet })).toBe(0);
    };
    await send(slices.slice(0, 3));
    await storage.restart({ backupHours: 1e-6 });
    await expect.poll(async () => instancesIn(backups), patience).toBe(3);
    await storage.restart({ backupHours: 0 });
    const before = await indexIdOf(storage);
    await send(slices.slice(3));
    const all = async (): Promise<string[]> =>
      readdir(join(storage.directory, 'objects'), { recursive: true });
    await expect
      .poll(async () => (await all()).filter((name) => name.endsWith('.dcm')), patience)
      .toEqual([]);
    const newest = (await readdir(backups)).sort().at(-1) ?? '';
    await storage.node.close();
    for (const name of ['index.sqlite', 'index.sqlite-wal', 'index.sqlite-shm'])
      await writeFile(join(storage.directory, name), 'damaged');

    await run(process.execPath, [program, storage.directory, join(backups, newest)]);
    await storage.restart();

    expect(await indexIdOf(storage)).not.toBe(before);
    const found = JSON.parse((await storage.ask('/dicomweb/instances')).body.toString()) as Found[];
    expect(found).toHaveLength(6);
    for (const { meta, dataSet } of slices) {
      const one = found.find((row) => row['00080018']?.Value?.[0] === meta.sopInstanceUID);
      const answer = await storage.ask(new URL(one?.['00081190']?.Value?.[0] ?? '').pathname);
      expect(splitFile(partsOf(answer)[0]?.bytes ?? Buffer.alloc(0)).dataSet.equals(dataSet)).toBe(true);
    }
  });

  it('keeps the two newest backups, and takes no damaged one', async () => {
    using index = openStudyIndex(join(folder, 'index.sqlite'));
    const log = pino({ level: 'silent' });
    const backups = join(folder, 'backup');
    const first = async (): Promise<string | undefined> => (await readdir(backups)).sort()[0];
    const running = await startBackups(1e-6, { index, folder: backups, log });
    await expect.poll(first, patience).toBeDefined();
    const oldest = await first();
    await expect.poll(first, patience).not.toBe(oldest);
    const names = (await readdir(backups)).filter((name) => name.startsWith('index-'));
    expect(names.length).toBeLessThanOrEqual(3);
    await running[Symbol.asyncDispose]();

    const broken = join(folder, 'broken.sqlite');
    await writeFile(broken, Buffer.alloc(8_192, 7));
    await expect(run(process.execPath, [program, folder, broken])).rejects.toThrow();
  });
});

type Found = Record<string, { Value?: string[] }>;

/** Of the newest backup. */
async function instancesIn(backups: string): Promise<number> {
  const newest = (await readdir(backups)).filter((name) => name.startsWith('index-')).sort();
  const copy = join(backups, '..', 'looked-at.sqlite');
  await rm(copy, { force: true });
  await copyFile(join(backups, newest.at(-1) ?? ''), copy);
  using index = openStudyIndex(copy);
  return totalsOf(index).instances;
}

async function indexIdOf(storage: TestNode): Promise<string> {
  await storage.node.close();
  const database = new DatabaseSync(join(storage.directory, 'index.sqlite'));
  const row = database.prepare("SELECT value FROM meta WHERE name = 'index-id'").get();
  database.close();
  await storage.restart();
  return String(row?.['value']);
}
