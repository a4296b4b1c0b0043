import { resourceKindSchema } from '@medusa/protocol';
import { afterEach, beforeEach, describe } from 'vitest';
import { describeLifecycle } from './contract/lifecycle.contract.ts';
import { describeMachines } from './contract/machines.contract.ts';
import { describeNetworking } from './contract/networking.contract.ts';
import { describeStorage } from './contract/storage.contract.ts';
import { beginTrial, testLimitMs, type DriverUnderTest, type Trial } from './contract/trial.ts';

export type { DriverUnderTest } from './contract/trial.ts';

/**
 * The promises of `ProviderDriver`, for any driver: see `ResourcePort`. What a provider does not have is skipped by name.
 * Each test has owners of its own, so that the same provider may serve several; nothing of theirs is left after it.
 */
export function describeProviderDriver(name: string, start: () => Promise<DriverUnderTest>): void {
  describe(`${name} as a provider driver`, () => {
    let trial: Trial;
    let ending: AsyncDisposableStack;
    beforeEach(async () => {
      ending = new AsyncDisposableStack();
      const provider = ending.use(await start());
      trial = await beginTrial(provider);
      ending.defer(async () => trial.end());
    }, testLimitMs);
    afterEach(async () => ending.disposeAsync(), testLimitMs);

    const current = (): Trial => trial;
    for (const kind of resourceKindSchema.options) describeLifecycle(kind, current);
    describeMachines(current);
    describeStorage(current);
    describeNetworking(current);
  });
}
