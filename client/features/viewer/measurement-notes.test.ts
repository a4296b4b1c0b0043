import type { ViewState } from '@medusa/protocol';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { MeasurementNotes } from './measurement-notes.ts';

let noted: [id: string, lengthMm: number][];
let isMine: boolean;
let notes: MeasurementNotes;

beforeEach(() => {
  vi.useFakeTimers();
  [noted, isMine] = [[], true];
  notes = new MeasurementNotes({
    isMine: () => isMine,
    note: ({ id, lengthMm }) => noted.push([id, lengthMm]),
  });
});
afterEach(() => {
  notes[Symbol.dispose]();
  vi.useRealTimers();
});

function show(measurements: Readonly<Record<string, number>>): void {
  const listed = Object.entries(measurements).map(([id, lengthMm]) => ({
    id,
    lengthMm,
    sopInstanceUID: null,
  }));
  notes.take({ measurements: listed } as unknown as ViewState);
}

it('notes a measurement once it is done, with what it has come to', () => {
  show({});
  for (const lengthMm of [1, 5, 9.5]) {
    show({ a: lengthMm });
    vi.advanceTimersByTime(1_000);
  }
  expect(noted).toEqual([]);

  vi.advanceTimersByTime(1_000);

  expect(noted).toEqual([['a', 9.5]]);
});

it('notes one again that is changed, and none that was there from the start', () => {
  show({ old: 3 });
  show({ old: 3, a: 4 });
  vi.advanceTimersByTime(2_000);
  show({ old: 3, a: 6 });
  vi.advanceTimersByTime(2_000);

  expect(noted).toEqual([
    ['a', 4],
    ['a', 6],
  ]);
});

it('notes nothing that is taken back, nor what somebody else draws', () => {
  show({});
  show({ a: 4 });
  show({});
  isMine = false;
  show({ b: 2 });
  vi.advanceTimersByTime(5_000);

  expect(noted).toEqual([]);
});
