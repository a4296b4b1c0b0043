import { TypedEmitter } from '@medusa/kernel';
import type { ProvisionEvent } from '@medusa/protocol';
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
  /** Runs, or what it began does. */
  let timer: NodeJS.Timeout | undefined;
  let isHeard = false;
  let last: number | undefined;

  /** Newest first. */
  const since = async (known: number): Promise<ProvisionEvent[]> => {
    const found: ProvisionEvent[] = [];
    for (;;) {
      const oldest = found.at(-1)?.sequence;
      const page = await store.log({ limit: batch, ...(oldest === undefined ? {} : { before: oldest }) });
      const fresh = page.filter(({ sequence }) => sequence > known);
      found.push(...fresh);
      if (fresh.length < batch) return found;
    }
  };
  const tell = async (): Promise<void> => {
    if (last === undefined) last = (await store.log({ limit: 1 }))[0]?.sequence ?? 0;
    else
      for (const event of (await since(last)).reverse()) {
        const { provider, resource, kind, outcome, durationMs } = event;
        log.info({ provider, resource, kind, outcome, durationMs }, event.text);
        events.emit('logged', event);
        last = event.sequence;
      }
    events.emit('changed');
  };
  const begin = (): void => {
    isHeard = false;
    void tell()
      .catch(report)
      .finally(() => {
        timer = undefined;
        if (isHeard) hear();
      });
  };
  const hear = (): void => {
    isHeard = true;
    timer ??= setTimeout(begin, pauseMs).unref();
  };
  return { events, hear };
}
