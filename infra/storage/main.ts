import { AppError } from '@medusa/protocol';
import { pino } from 'pino';
import { startStorageNode } from './app.ts';
import { handedSockets } from './availability/handed-sockets.ts';
import { readConfig } from './config.ts';
import { trustOnly } from './link/trust.ts';

/** The broker does not want this machine: starting it again would not help (see the unit of the guest images). */
const notWanted = 3;
const config = readConfig(process.env);
const sockets = handedSockets(process.env, process.pid);
const log = pino({ level: config.logLevel, base: { node: config.nodeId } });
delete process.env['MEDUSA_NODE_TOKEN'];
delete process.env['MEDUSA_JOIN_TOKEN'];
delete process.env['MEDUSA_OBJECTS_SECRET'];
if (config.ca !== undefined) await trustOnly(config.ca);
const node = await startStorageNode(config, { log, sockets }).catch((error: unknown) => {
  log.fatal({ err: error }, 'storage node could not start');
  process.exit(error instanceof AppError && error.code === 'join.refused' ? notWanted : 1);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    log.info({ signal }, 'storage node stops');
    // A second signal ends the process at once, as nothing listens for it any more.
    const stopped = async (): Promise<void> => {
      await node.drain();
      await node.close();
    };
    stopped().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'storage node did not stop cleanly');
        process.exit(1);
      },
    );
  });
