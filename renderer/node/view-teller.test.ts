import { sessionIdSchema, type NodeViewTold } from '@medusa/protocol';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ViewTeller } from './view-teller.ts';

const sessionId = sessionIdSchema.parse('s');
let told: number[];
let teller: ViewTeller;

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  teller = new ViewTeller(({ view }) => told.push(view.revision));
});
afterEach(() => {
  teller[Symbol.dispose]();
  vi.useRealTimers();
});

function show(revision: number): void {
  teller.changed({ sessionId, view: { revision } } as NodeViewTold);
}

it('tells the first at once, and of many that follow the latest', () => {
  for (const revision of [1, 2, 3, 4]) show(revision);
  expect(told).toEqual([1]);

  vi.advanceTimersByTime(500);
  expect(told).toEqual([1, 4]);

  vi.advanceTimersByTime(5_000);
  show(5);
  expect(told).toEqual([1, 4, 5]);
});

it('tells the latest once more after a break of the link, and nothing of a session that is over', () => {
  show(1);
  teller.repeat();
  expect(told).toEqual([1, 1]);

  show(2);
  teller.forget(sessionId);
  vi.advanceTimersByTime(5_000);
  teller.repeat();
  expect(told).toEqual([1, 1]);
});
