import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SharedSync } from './shared-sync.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'shared-sync-'));
});
afterEach(async () => rm(folder, { recursive: true }));

it('brings what was written before each question to the disk, also while a turn is under way', async () => {
  const file = path.join(folder, 'log');
  await using log = await open(file, 'w');
  using shared = new SharedSync(file);
  const asked: Promise<void>[] = [shared.synced()];

  for (let at = 0; at < 50; at += 1) {
    await log.write('frame');
    shared.written();
    asked.push(shared.synced(), shared.synced());
  }

  expect((await Promise.allSettled(asked)).every(({ status }) => status === 'fulfilled')).toBe(true);
});

it('promises nothing any more when it is closed, but what it had promised before', async () => {
  const file = path.join(folder, 'log');
  await using log = await open(file, 'w');
  const shared = new SharedSync(file);
  await log.write('frame');
  shared.written();
  const before = shared.synced();
  shared.written();
  const queued = shared.synced();

  shared[Symbol.dispose]();

  await before;
  await expect(queued).rejects.toThrow('closed');
  await expect(shared.synced()).rejects.toThrow('closed');
});
