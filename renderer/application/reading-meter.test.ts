import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createReadingMeter, type StudyRead } from './reading-meter.ts';

type Plan = { readonly chunks: number; readonly sendMs: number; readonly readMs?: number };

/** Answers of chunks of 100 kB, each after so long of a clock of its own; the reader takes so long over each. */
async function read(...answers: readonly Plan[]): Promise<StudyRead[]> {
  let now = 0;
  const told: StudyRead[] = [];
  const meter = createReadingMeter(
    (what) => told.push(what),
    () => now,
  );
  for (const { chunks, sendMs, readMs = 0 } of answers) {
    const send = async function* (): AsyncGenerator<Buffer> {
      for (let sent = 0; sent < chunks; sent += 1) {
        now += sendMs;
        yield Buffer.alloc(100_000);
      }
    };
    let bytes = 0;
    for await (const chunk of meter.pass(send())) {
      bytes += chunk.length;
      now += readMs;
    }
    expect(bytes).toBe(chunks * 100_000);
  }
  return told;
}

describe('what is read over a path', () => {
  it('is told with the time it was waited for, without what came with the beginning of the answer', async () => {
    expect(await read({ chunks: 11, sendMs: 8 })).toEqual([{ bytes: 1_000_000, waitedMs: 80 }]);
  });

  it('is added up over small answers, and told once a second when the path is fast', async () => {
    const small = { chunks: 3, sendMs: 2 };
    expect(await read(small, small)).toEqual([]);
    expect(await read(small, small, small)).toEqual([{ bytes: 600_000, waitedMs: 12 }]);
    expect(await read(...Array.from({ length: 12 }, () => small))).toHaveLength(1);
  });

  it('is told while it goes on, however little it is, when the path is slow', async () => {
    expect(await read({ chunks: 7, sendMs: 1_000 })).toEqual([
      { bytes: 200_000, waitedMs: 2_000 },
      { bytes: 200_000, waitedMs: 2_000 },
      { bytes: 200_000, waitedMs: 2_000 },
    ]);
  });

  it('is not told when the reader held the bytes up', async () => {
    expect(await read({ chunks: 11, sendMs: 1, readMs: 8 })).toEqual([]);
  });

  it('at the same time in several answers counts its time once', async () => {
    let now = 0;
    const told: StudyRead[] = [];
    const meter = createReadingMeter(
      (what) => told.push(what),
      () => now,
    );
    const gates = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const send = async function* (gate: PromiseWithResolvers<undefined> | undefined): AsyncGenerator<Buffer> {
      yield Buffer.alloc(10);
      await gate?.promise;
      yield Buffer.alloc(400_000);
    };
    const drain = async (source: AsyncIterable<Uint8Array>): Promise<void> => {
      for await (const chunk of source) expect(chunk.length).toBeGreaterThan(0);
    };
    const both = gates.map(async (gate) => drain(meter.pass(send(gate))));
    await turn();
    now += 100;
    gates[0]?.resolve(undefined);
    await both[0];
    now += 50;
    gates[1]?.resolve(undefined);
    await both[1];

    expect(told).toEqual([{ bytes: 800_000, waitedMs: 150 }]);
  });

  it('that is given up does not count as waited for', async () => {
    let now = 0;
    const told: StudyRead[] = [];
    const meter = createReadingMeter(
      (what) => told.push(what),
      () => now,
    );
    const send = async function* (): AsyncGenerator<Buffer> {
      for (;;) {
        now += 10;
        yield Buffer.alloc(300_000);
      }
    };
    const takeChunks = async (count: number): Promise<void> => {
      let taken = 0;
      for await (const chunk of meter.pass(send())) {
        expect(chunk.length).toBe(300_000);
        taken += 1;
        if (taken === count) break;
      }
    };
    await takeChunks(2);
    now += 60_000;
    await takeChunks(2);

    expect(told).toEqual([{ bytes: 600_000, waitedMs: 20 }]);
  });
});
