import { TypedEmitter } from '@medusa/kernel';
import type { Logger } from 'pino';
import type { Provisioning } from '../provisioning.ts';
import type { Notice, ProvisionStore } from './store.ts';

const pauseMs = 150;
const batch = 200;

/**
 * Tells what any of the brokers did: `changed` at most a few times a second, each event once. The broker's own log has the same lines.
 */
export function createLiveLog({
  store,
  log,
  report,
}: {
  readonly store: Pick<ProvisionStore, 'log'>;
  readonly log: Logger;
  readonly report: (error: unknown) => void;
}): { readonly events: Provisioning['events']; hear(notice: Notice): void } {
  const events: Provisioning['events'] = new TypedEmitter(report);
  let timer: NodeJS.Timeout | undefined;
  let last: number | undefined;

  const tell = async (): Promise<void> => {
    const newest = await store.log({ limit: last === undefined ? 1 : batch });
    const known = last;
    last = newest[0]?.sequence ?? known;
    if (known !== undefined)
      for (const event of newest.filter(({ sequence }) => sequence > known).reverse()) {
        const { provider, resource, kind, outcome, durationMs } = event;
        log.info({ provider, resource, kind, outcome, durationMs }, event.text);
        events.emit('logged', event);
      }
    events.emit('changed');
  };
  return {
    events,
    hear() {
      timer ??= setTimeout(() => {
        timer = undefined;
        tell().catch(report);
      }, pauseMs).unref();
    },
  };
}
