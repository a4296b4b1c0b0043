import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { decodeArrivals } from '@medusa/protocol';
import { ArrivalTeller } from './arrival-teller.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('tells together what came within a tenth of a second, with what the browser passed over', () => {
  const told: unknown[] = [];
  const teller = new ArrivalTeller((message) => void told.push(decodeArrivals(message)));

  teller.take({ rtpTimestamp: 10, receivedAt: 1, presentedFrames: 7 });
  teller.take({ rtpTimestamp: 20, receivedAt: 2.5, presentedFrames: 10 });
  vi.advanceTimersByTime(99);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1_000);

  expect(told).toEqual([
    [
      { rtpTimestamp: 10, atMs: 1, untold: 0 },
      { rtpTimestamp: 20, atMs: 2.5, untold: 2 },
    ],
  ]);
});

it('says nothing any more once it is disposed of', () => {
  const told: unknown[] = [];
  const teller = new ArrivalTeller((message) => void told.push(message));
  teller.take({ rtpTimestamp: 10, receivedAt: 1, presentedFrames: 7 });
  teller[Symbol.dispose]();
  vi.advanceTimersByTime(1_000);
  expect(told).toEqual([]);
});
