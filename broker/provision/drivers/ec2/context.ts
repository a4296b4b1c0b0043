import { setTimeout } from 'node:timers/promises';
import { isProviderFault, ProviderError } from '../../port/index.ts';
import type { Ec2 } from './client.ts';
import type { Recent } from './once.ts';
import type { Settings } from './settings.ts';

export type Context = {
  readonly ec2: Ec2;
  readonly settings: Settings;
  readonly now: () => Date;
  readonly recent: Recent;
};

/**
 * Takes a thing away. Not found is success, unless it was made a moment ago: then it is only not to be seen yet, and taking this for
 * success would leave it behind.
 */
export async function destroyOnce(
  { recent }: Context,
  ref: string,
  destroy: () => Promise<unknown>,
): Promise<void> {
  try {
    await destroy();
    recent.delete(ref);
  } catch (error) {
    if (!isProviderFault(error, 'not-found')) throw error;
    if (recent.has(ref))
      throw new ProviderError('transient', `${ref} was made a moment ago and is not to be seen yet`, {
        cause: error,
      });
  }
}

const firstPauseMs = 50;
const longestPauseMs = 2_000;

/** Calls again while what was made a moment ago is not found, until the signal ends. */
export async function onceVisible<Answer>(call: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return await call();
    } catch (error) {
      if (!isProviderFault(error, 'not-found')) throw error;
    }
    await setTimeout(pauseMs, undefined, { signal });
  }
}
