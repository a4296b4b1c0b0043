import { pino } from 'pino';
import { startStorageNode } from './app.ts';
import { readConfig } from './config.ts';

const config = readConfig(process.env);
const log = pino({ level: config.logLevel, base: { node: config.nodeId } });
const node = await startStorageNode(config, { log });

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    log.info({ signal }, 'storage node stops');
    // A second signal ends the process at once, as nothing listens for it any more.
    node.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'storage node did not stop cleanly');
        process.exit(1);
      },
    );
  });
