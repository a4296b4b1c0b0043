import type { EchoResult } from '@medusa/protocol';
import type { Logger } from 'pino';
import { echo } from '../dimse/echo-scu.ts';
import type { Caller } from '../dimse/requestor.ts';
import type { Entity, EntityRegistry } from './registry.ts';
import type { PeerBook } from './peer-book.ts';
import type { ToldEntities } from './told-registry.ts';

type ProberDeps = {
  readonly registry: EntityRegistry & Pick<ToldEntities, 'probed'>;
  readonly book: Pick<PeerBook, 'echoed' | 'admitted'>;
  readonly caller: Caller;
  readonly everyMs: number;
  readonly log: Logger;
};

/** Asks entities by C-ECHO whether they are there. */
export interface Prober extends AsyncDisposable {
  /** Undefined: no entity of that title is known here. */
  test(title: string): Promise<EchoResult | undefined>;
}

const mostAtOnce = 8;

export function startProber({ registry, book, caller, everyMs, log }: ProberDeps): Prober {
  const known = new Map<string, boolean>();
  const ask = async (title: string, entity: Entity): Promise<EchoResult> => {
    const { result, certificateEndsAt } = await echo(caller, { title, entity });
    book.echoed(title, result);
    if (certificateEndsAt) book.admitted(title, certificateEndsAt);
    // One line for each change, not for each echo.
    if (known.get(title) !== result.isReachable)
      log.info({ title, isReachable: result.isReachable, words: result.words }, 'C-ECHO');
    known.set(title, result.isReachable);
    return result;
  };
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const round = async (): Promise<void> => {
    const waiting = [...(await registry.probed())];
    const worker = async (): Promise<void> => {
      for (let next = waiting.pop(); next && !isClosed; next = waiting.pop()) await ask(...next);
    };
    await Promise.all(Array.from({ length: mostAtOnce }, worker));
  };
  const run = async (): Promise<void> => {
    await round().catch((error: unknown) => log.error({ err: error }, 'probing failed'));
    if (!isClosed)
      timer = setTimeout(() => {
        running = run();
      }, everyMs);
  };
  let running = run();
  return {
    async test(title) {
      const { entities } = await registry.current();
      const entity = Object.hasOwn(entities, title) ? entities[title] : undefined;
      return entity && ask(title, entity);
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
