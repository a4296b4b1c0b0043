import type { ProvisionChange, ProvisionEvent } from '@medusa/protocol';
import type { Provisioning } from '../provision/index.ts';
import { pausing } from './pausing.ts';

const pauseMs = 1_000;
/** More lines than anybody reads in a second; whoever wants them asks for the log. */
const mostEvents = 100;

/** Tells that something moved, at most once a second: a thousand nodes that start together are one piece of news. */
export function gatherProvisionNews(
  events: Provisioning['events'],
  tell: (change: ProvisionChange) => void,
): Disposable {
  let gathered: ProvisionEvent[] = [];
  let missed = 0;
  const stack = new DisposableStack();
  const telling = stack.use(
    pausing(
      () => pauseMs,
      () => {
        const change = { events: gathered, missed };
        gathered = [];
        missed = 0;
        tell(change);
      },
    ),
  );
  stack.use(events.on('changed', () => telling.ask()));
  stack.use(
    events.on('logged', (event) => {
      gathered.push(event);
      if (gathered.length > mostEvents) {
        gathered.shift();
        missed += 1;
      }
      telling.ask();
    }),
  );
  return stack;
}
