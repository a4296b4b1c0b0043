import { execFile } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataPath, readDicomFile } from '../testing/files.ts';
import { MalformedDataSet } from './malformed.ts';
import { WorkerPool } from './worker-pool.ts';

describe('the worker pool', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'worker-pool-'));
  });
  afterEach(async () => rm(directory, { recursive: true }));

  it('gives up an object that takes too long, and reads the next one', async () => {
    await using pool = new WorkerPool({ threads: 1, taskMs: 4_000 });
    const path = dataPath('ct-chest/041.dcm');
    const { meta } = await readDicomFile(path);
    // Nobody writes to it: whoever opens it waits for ever.
    const endless = join(directory, 'endless');
    await promisify(execFile)('mkfifo', [endless]);

    const answers = await Promise.allSettled([
      pool.run({ kind: 'parse', file: { ...meta, path: endless }, wanted: '' }),
      pool.run({ kind: 'parse', file: { ...meta, path }, wanted: '00080060' }),
    ]);

    expect(answers[0]).toEqual({
      status: 'rejected',
      reason: new MalformedDataSet('it took too long to read'),
    });
    expect(answers[1]).toMatchObject({
      status: 'fulfilled',
      value: { attributes: '{"00080060":{"vr":"CS","Value":["CT"]}}' },
    });
    // Lets the abandoned thread go.
    await (await open(endless, 'r+')).close();
  });

  it('refuses work when it is closed, and that which waits then', async () => {
    const pool = new WorkerPool({ threads: 1, taskMs: 10_000 });
    const path = dataPath('ct-chest/041.dcm');
    const { meta } = await readDicomFile(path);
    const task = { kind: 'parse', file: { ...meta, path }, wanted: '' } as const;
    const waiting = Promise.allSettled([pool.run(task), pool.run(task)]);

    await pool[Symbol.asyncDispose]();

    expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(pool.run(task)).rejects.toMatchObject({ code: 'internal' });
  });
});
