import { pino } from 'pino';
import { startRenderNode } from './app.ts';
import { parseConfig } from './config.ts';

const failure = 1;
const config = parseConfig(process.env);
const log = pino({ level: config.logLevel, redact: ['token', 'studyToken', '*.token', '*.studyToken'] });
// Children get the environment they need, and this one is not theirs.
delete process.env['MEDUSA_NODE_TOKEN'];

const node = await startRenderNode(config, { log });
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

process.on('SIGTERM', () => void stop(0));
process.on('SIGINT', () => void stop(0));
node.events.on('broken', (error) => {
  log.fatal({ err: error }, 'media worker died');
  void stop(failure);
});
