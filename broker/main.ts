import pino from 'pino';
import { startBroker } from './app.ts';
import { readConfig } from './config.ts';

const config = readConfig(process.env);
const log = pino({
  level: config.logLevel,
  redact: ['*.token', '*.studyToken', '*.authorization', 'req.headers'],
});

process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'a bug: the broker ends, its supervisor starts it again');
  process.exit(1);
});

try {
  const broker = await startBroker(config, { log });
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The second signal does not wait.
      if (isStopping) process.exit(1);
      isStopping = true;
      void broker.close().then(() => process.exit(0));
    });
  }
} catch (error) {
  log.fatal({ err: error }, 'the broker could not start');
  process.exit(1);
}
