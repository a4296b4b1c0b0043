/** Records into the folder given until it is killed, and prints how many pictures it has shown. */
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { recordingIdSchema, sessionIdSchema } from '@medusa/protocol';
import { Recordings } from '../recording/index.ts';
import { RecordableScreen } from './recordable.ts';

const [folder = '', id = ''] = process.argv.slice(2);
const limits = { mostBytes: 2 ** 20, mostMs: 60_000, mostKeptBytes: 2 ** 30 };
const recordings = await Recordings.open({ folder, ...limits, log: pino({ level: 'silent' }) });
const screen = new RecordableScreen();
await screen.resize({ widthPx: 320, heightPx: 240 });
const request = { recordingId: recordingIdSchema.parse(id), sessionId: sessionIdSchema.parse('session-1') };
await recordings.start({ ...request, keepSeconds: 60 }, screen);
for (let shown = 1; ; shown += 1) {
  await screen.show(100);
  await sleep(20);
  process.stdout.write(`${shown}\n`);
}
