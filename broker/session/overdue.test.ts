import { describe, expect, it } from 'vitest';
import { findOverdue, silenceMs } from './overdue.ts';
import type { SessionRecord } from './session-record.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const at = (seconds: number): string => new Date(start + seconds * 1000).toISOString();

type Given = Partial<Pick<SessionRecord, 'state' | 'mode' | 'streamingAt' | 'joinedAt' | 'commandAtMs'>>;

describe('silenceMs', () => {
  it.each([
    ['never heard of elsewhere', { awaySinceMs: 40_000, heardMs: null }, 60_000],
    ['linked to another broker', { awaySinceMs: 40_000, heardMs: 99_000 }, 1_000],
    ['heard of elsewhere long before it went from here', { awaySinceMs: 40_000, heardMs: 10_000 }, 60_000],
    ['by a clock that is ahead', { awaySinceMs: 40_000, heardMs: 100_500 }, 0],
  ])('%s', (...[, of, silent]) => {
    expect(silenceMs(100_000, of)).toBe(silent);
  });
});

describe('findOverdue', () => {
  it.each<[string, Given, { seconds: number; unreachable?: number; isSeen?: boolean }, string | undefined]>([
    ['a fresh one', { state: 'starting', commandAtMs: 0 }, { seconds: 10 }, undefined],
    [
      'a start that takes too long',
      { state: 'starting', commandAtMs: 0 },
      { seconds: 121 },
      'The application did not start in time',
    ],
    ['a start after a long queue', { state: 'starting', commandAtMs: 900_000 }, { seconds: 910 }, undefined],
    ['nobody came', { streamingAt: at(5) }, { seconds: 126 }, 'Nobody joined'],
    ['somebody came', { streamingAt: at(5), joinedAt: at(6) }, { seconds: 9_999 }, undefined],
    [
      'a silent node',
      { streamingAt: at(5), joinedAt: at(6) },
      { seconds: 99, unreachable: 61 },
      'The render node did not come back',
    ],
    [
      'a silent node whose picture somebody sees',
      { streamingAt: at(5), joinedAt: at(6) },
      { seconds: 99, unreachable: 61, isSeen: true },
      undefined,
    ],
    [
      'a node that may come back',
      { streamingAt: at(5), joinedAt: at(6) },
      { seconds: 99, unreachable: 59 },
      undefined,
    ],
    ['local, within its time', { mode: 'local', streamingAt: at(0) }, { seconds: 3_599 }, undefined],
    ['local, past its time', { mode: 'local', streamingAt: at(0) }, { seconds: 3_601 }, 'The time is up'],
  ])('%s', (...[, given, { seconds, unreachable = 0, isSeen = false }, reason]) => {
    const record = {
      state: 'streaming',
      mode: 'streamed',
      streamingAt: null,
      joinedAt: null,
      commandAtMs: null,
      createdAt: at(0),
      ...given,
    } as SessionRecord;

    const overdue = findOverdue(record, {
      nowMs: start + seconds * 1000,
      unreachableMs: unreachable * 1000,
      isSeen,
      joinMs: 120_000,
      localMs: 3_600_000,
    });

    expect(overdue?.reason).toBe(reason);
  });
});
