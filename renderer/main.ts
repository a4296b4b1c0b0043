import { setFlagsFromString } from 'node:v8';
import { AppError } from '@medusa/protocol';
import { pino } from 'pino';
import { startRenderNode } from './app.ts';
import { parseConfig } from './config.ts';
import { trustOnly } from './node/index.ts';

const failure = 1;
/** The broker does not want this machine: starting it again would not help (see the unit of the guest images). */
const notWanted = 3;
/**
 * Pictures on their way, some 20 MB a second, look to V8 like memory that grows: it began to collect garbage twice a second, for half of this program's
 * time and with pauses of 10 ms that held pictures back. With more room before, short collections find them first.
 */
setFlagsFromString('--heap-growing-percent=400');
const config = parseConfig(process.env);
const log = pino({
  level: config.logLevel,
  redact: ['token', 'studyToken', 'relayKey', '*.token', '*.studyToken', '*.relayKey'],
});
// Children get the environment they need, and these are not theirs.
delete process.env['MEDUSA_NODE_TOKEN'];
delete process.env['MEDUSA_JOIN_TOKEN'];
if (config.ca !== undefined) await trustOnly(config.ca);

const starting = new AbortController();
const giveUp = (): void => starting.abort();
process.once('SIGTERM', giveUp).once('SIGINT', giveUp);
const node = await startRenderNode(config, { log, signal: starting.signal }).catch((error: unknown) => {
  log.fatal({ err: error }, 'render node could not start');
  process.exit(error instanceof AppError && error.code === 'join.refused' ? notWanted : failure);
});
let isStopping = false;

async function stop(exitCode: number): Promise<void> {
  // A second signal means: now.
  if (isStopping) process.exit(failure);
  isStopping = true;
  try {
    await node[Symbol.asyncDispose]();
    process.exit(exitCode);
  } catch (error) {
    log.error({ err: error }, 'render node did not stop cleanly');
    process.exit(failure);
  }
}

process.off('SIGTERM', giveUp).off('SIGINT', giveUp);
process.on('SIGTERM', () => void stop(0));
process.on('SIGINT', () => void stop(0));
node.events.on('broken', (error) => {
  log.fatal({ err: error }, 'media worker died');
  void stop(failure);
});
node.events.on('replaced', () => {
  log.fatal('another machine has taken the place of this node');
  void stop(notWanted);
});
if (starting.signal.aborted) void stop(0);
