import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RecordingId, recordingIdSchema, type RecordingTold, sessionIdSchema } from '@medusa/protocol';
import { playFilm } from '../test-support/film.ts';
import { RecordableScreen } from '../test-support/recordable.ts';
import { Recordings } from './index.ts';

const killed = fileURLToPath(new URL('../test-support/record-until-killed.ts', import.meta.url));
const sessionId = sessionIdSchema.parse('session-1');
const limits = { mostBytes: 4 * 2 ** 20, mostMs: 60_000, mostKeptBytes: 2 ** 30 };
let folder: string;
let told: RecordingTold[];
let recordingId: RecordingId;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'medusa-recording-'));
  told = [];
  recordingId = recordingIdSchema.parse(randomUUID());
});
afterEach(async () => rm(folder, { recursive: true }));

async function open(changes: Partial<typeof limits> = {}): Promise<Recordings> {
  const log = pino({ level: 'silent' });
  const recordings = await Recordings.open({ folder, ...limits, ...changes, log });
  recordings.events.on('told', (one) => told.push(one));
  return recordings;
}

const untilState = async (state: RecordingTold['state']): Promise<RecordingTold> => {
  await expect.poll(() => told.at(-1)?.state, { timeout: 20_000 }).toBe(state);
  const last = told.at(-1);
  if (!last) throw new Error('nothing was told');
  return last;
};
const start = { sessionId, keepSeconds: 60 };
const fileOf = (id: RecordingId): string => path.join(folder, `${id}.mp4`);

async function readAll(recordings: Recordings, { bytes }: RecordingTold): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < bytes; offset += 10_000)
    parts.push(await recordings.read(recordingId, { offset, length: 10_000 }));
  return Buffer.concat(parts);
}

describe('a recording', () => {
  it('has each picture that was shown, when it was shown and in its size, and is given bit by bit', async () => {
    await using recordings = await open();
    using screen = new RecordableScreen();
    await screen.resize({ widthPx: 640, heightPx: 480 });
    await recordings.start({ ...start, recordingId }, screen);
    for (const sinceMs of [0, 40, 1_000, 250]) await screen.show(sinceMs);
    await screen.resize({ widthPx: 800, heightPx: 600 });
    for (const sinceMs of [2_000, 16]) await screen.show(sinceMs);

    recordings.stop(recordingId, 'stopped');

    const kept = await untilState('kept');
    expect(told.map(({ state }) => state)).toEqual(['recording', 'finishing', 'kept']);
    const film = await playFilm(fileOf(recordingId));
    expect(film.pictures.map(({ atMs, size }) => [atMs, size])).toEqual([
      ...[
        [0, '640x480'],
        [40, '640x480'],
        [1_040, '640x480'],
        [1_290, '640x480'],
      ],
      ...[
        [3_290, '800x600'],
        [3_306, '800x600'],
      ],
    ]);
    expect(kept).toMatchObject({ pictures: 6, reason: 'stopped', sessionId });
    expect(Math.abs(film.durationMs - kept.durationMs)).toBeLessThanOrEqual(1);
    expect(film.durationMs).toBeGreaterThanOrEqual(3_306);
    const bytes = await readAll(recordings, kept);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(kept.sha256);
    expect((await stat(fileOf(recordingId))).mode & 0o777).toBe(0o600);
  });

  it('loses nothing when the agent is killed: the next one makes the film', async () => {
    const child = spawn(process.execPath, [killed, folder, recordingId], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let shown = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      shown = Number(line);
      if (shown >= 8) break;
    }
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    // As of a picture that was on its way.
    await appendFile(path.join(folder, `${recordingId}.journal`), Buffer.alloc(40, 1));

    await using recordings = await open();
    const kept = await untilState('kept');

    const film = await playFilm(fileOf(recordingId));
    expect(film.pictures.length).toBeGreaterThanOrEqual(shown);
    expect(kept).toMatchObject({ pictures: film.pictures.length, reason: 'failed' });
    expect(recordings.all()).toEqual([kept]);
  });

  it('ends by itself when it is as large as one may be', async () => {
    await using recordings = await open({ mostBytes: 20_000 });
    using screen = new RecordableScreen();
    await screen.resize({ widthPx: 640, heightPx: 480 });
    await recordings.start({ ...start, recordingId }, screen);
    for (let shown = 0; shown < 30 && told.length < 2; shown += 1) {
      screen.requestKeyframe();
      await screen.show(100);
    }

    expect(await untilState('kept')).toMatchObject({ reason: 'limit' });
  });

  it('does not begin where there is no room for it', async () => {
    await using recordings = await open({ mostKeptBytes: 2 ** 20 });
    using screen = new RecordableScreen();

    await expect(recordings.start({ ...start, recordingId }, screen)).rejects.toMatchObject({
      code: 'recording.no-space',
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('is deleted when it was kept long enough, and forgotten when the broker knows', async () => {
    using screen = new RecordableScreen();
    await screen.resize({ widthPx: 320, heightPx: 240 });
    {
      await using recordings = await open();
      await recordings.start({ ...start, recordingId, keepSeconds: 1 }, screen);
      await screen.show(0);
      recordings.stop(recordingId, 'asker-left');
      const kept = await untilState('kept');
      const facts = { ...kept, keepSeconds: 1, expiresAt: new Date(0).toISOString() };
      await writeFile(path.join(folder, `${recordingId}.json`), JSON.stringify(facts));
    }
    await using recordings = await open();

    const deleted = await untilState('deleted');
    expect(await readdir(folder)).toEqual([`${recordingId}.json`]);
    await expect(recordings.read(recordingId, { offset: 0, length: 1 })).rejects.toMatchObject({
      code: 'recording.unknown',
    });
    await recordings.heard(deleted);
    expect(await readdir(folder)).toEqual([]);
  });
});
