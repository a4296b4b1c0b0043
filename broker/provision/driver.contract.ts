import { nodeIdSchema } from '@medusa/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MachineNeed, ProviderDriver } from './driver.ts';

/** A provider as the contract needs it: opened anew it is the same provider, as after a restart of the broker. */
export type DriverUnderTest = AsyncDisposable & {
  open(): ProviderDriver;
  readonly need: MachineNeed;
  /** How many machines run in truth, whoever started them. */
  countRunning(): Promise<number>;
  /** Ends a machine behind the driver's back. */
  crash(id: string): Promise<void>;
};

const a = nodeIdSchema.parse('node-a');
const b = nodeIdSchema.parse('node-b');
const signal = (): AbortSignal => AbortSignal.timeout(20_000);

/** The promises of `ProviderDriver`, for any driver. */
export function describeProviderDriver(name: string, start: () => Promise<DriverUnderTest>): void {
  describe(`${name} as a provider driver`, () => {
    let provider: DriverUnderTest;
    let driver: ProviderDriver;
    beforeEach(async () => {
      provider = await start();
      driver = provider.open();
    });
    afterEach(async () => provider[Symbol.asyncDispose]());

    it('acquires once, however often it is asked', async () => {
      await driver.acquire(a, provider.need, signal());
      await driver.acquire(a, provider.need, signal());

      expect(await driver.inspect(a, signal())).toMatchObject({ state: 'active' });
      expect(await provider.countRunning()).toBe(1);
    });

    it('knows after a restart what it acquired before', async () => {
      await driver.acquire(a, provider.need, signal());
      await driver.acquire(b, provider.need, signal());

      const successor = provider.open();

      expect([...(await successor.list(signal()))].sort()).toEqual([a, b]);
      expect(await successor.inspect(a, signal())).toMatchObject({ state: 'active' });
    });

    it('tells the truth of a machine that crashed, and replaces it once it is released', async () => {
      await driver.acquire(a, provider.need, signal());
      await provider.crash(a);

      await expect
        .poll(async () => (await driver.inspect(a, signal())).state, { timeout: 10_000 })
        .toBe('lost');
      expect(await driver.inspect(a, signal())).toMatchObject({
        reason: expect.stringMatching(/./) as string,
      });
      expect(await driver.list(signal())).toEqual([a]);
      await driver.release(a, signal());
      await driver.acquire(a, provider.need, signal());
      expect(await driver.inspect(a, signal())).toMatchObject({ state: 'active' });
    });

    it('leaves nothing of what it released, and releases what is absent', async () => {
      await driver.acquire(a, provider.need, signal());

      await driver.release(a, signal());
      await driver.release(a, signal());

      expect(await driver.inspect(a, signal())).toEqual({ state: 'absent' });
      expect(await driver.list(signal())).toEqual([]);
      expect(await provider.countRunning()).toBe(0);
    });

    it('leaves nothing behind when the call was aborted', async () => {
      await expect(driver.acquire(a, provider.need, AbortSignal.abort())).rejects.toThrow();

      expect(await driver.inspect(a, signal())).toEqual({ state: 'absent' });
      expect(await provider.countRunning()).toBe(0);
    });
  });
}
