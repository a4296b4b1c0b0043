import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isAlive } from '../support/is-alive.ts';
import { startSupervised } from './supervised-process.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'medusa-supervised-'));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const options = (args: readonly string[]): Parameters<typeof startSupervised>[0] => ({
  name: 'sleeper',
  command: 'sh',
  args: ['-c', ...args],
  environment: { PATH: process.env['PATH'] ?? '' },
  logFile: path.join(folder, 'log'),
});

describe('startSupervised', () => {
  it('starts a killed program again and tells of it', async () => {
    const crashes: string[] = [];
    const program = startSupervised({
      ...options(['echo up; exec sleep 60']),
      onCrash: (what) => crashes.push(what),
    });
    const first = await vi.waitUntil(() => program.pid);
    process.kill(first, 'SIGKILL');

    const second = await vi.waitUntil(() => (program.pid !== first ? program.pid : undefined), 5_000);
    expect(isAlive(second)).toBe(true);
    expect(crashes).toEqual([`sleeper ended with SIGKILL; see ${path.join(folder, 'log')}`]);
    await program.close();
    expect(isAlive(second)).toBe(false);
  });

  it('kills a program that does not heed the stop', async () => {
    const program = startSupervised({
      ...options(['trap "" TERM; echo up; while :; do sleep 0.05; done']),
      graceMs: 200,
    });
    await vi.waitUntil(async () => (await readFile(path.join(folder, 'log'), 'utf8')).includes('up'));
    const { pid = 0 } = program;

    await program.close();

    expect(isAlive(pid)).toBe(false);
  });

  it('does not start again what was closed', async () => {
    const crashes: string[] = [];
    const program = startSupervised({ ...options(['exit 3']), onCrash: (what) => crashes.push(what) });
    await vi.waitUntil(() => crashes.length > 0);

    await program.close();

    expect(program.pid).toBeUndefined();
  });
});
