import { describe, expect, it } from 'vitest';
import { timedTransfer } from './timed-transfer.ts';

/** Sends chunks of 100 kB, each after so long; the reader takes so long over each. */
async function rateOf(
  chunks: number,
  { sendMs, readMs }: { sendMs: number; readMs: number },
): Promise<number[]> {
  let now = 0;
  const told: number[] = [];
  const sender = async function* send(): AsyncGenerator<Buffer> {
    for (let sent = 0; sent < chunks; sent += 1) {
      now += sendMs;
      yield Buffer.alloc(100_000);
    }
  };
  let bytes = 0;
  const pass = timedTransfer(
    (kbps) => told.push(kbps),
    () => now,
  );
  for await (const chunk of pass(sender())) {
    bytes += chunk.length;
    now += readMs;
  }
  expect(bytes).toBe(chunks * 100_000);
  return told;
}

describe('timedTransfer', () => {
  it('tells the rate at which the bytes came', async () => {
    // 100 kB in 8 ms are 100 Mbit/s.
    expect(await rateOf(10, { sendMs: 8, readMs: 0 })).toEqual([100_000]);
    expect(await rateOf(10, { sendMs: 8, readMs: 1 })).toEqual([100_000]);
  });

  it('tells nothing when the reader held them up, or when they were few', async () => {
    expect(await rateOf(10, { sendMs: 1, readMs: 8 })).toEqual([]);
    expect(await rateOf(4, { sendMs: 8, readMs: 0 })).toEqual([]);
  });
});
