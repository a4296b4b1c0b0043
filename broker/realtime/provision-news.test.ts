import { TypedEmitter } from '@medusa/kernel';
import type { ProvisionChange, ProvisionEvent } from '@medusa/protocol';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Provisioning } from '../provision/index.ts';
import { gatherProvisionNews } from './provision-news.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function line(sequence: number): ProvisionEvent {
  const at = '2026-01-01T00:00:00Z';
  return {
    ...{
      sequence,
      at,
      provider: null,
      resource: null,
      kind: 'phase',
      outcome: 'ok',
      text: '',
      durationMs: null,
    },
  };
}

it('tells a thousand changes as the first and one more, with the newest lines and how many were left out', () => {
  const events: Provisioning['events'] = new TypedEmitter((error) => {
    throw error;
  });
  const told: ProvisionChange[] = [];
  const gathering = gatherProvisionNews(events, (change) => told.push(change));

  for (let sequence = 1; sequence <= 1_000; sequence += 1) {
    events.emit('logged', line(sequence));
    events.emit('changed');
  }
  vi.advanceTimersByTime(5_000);

  expect(told.map((change) => [change.events.length, change.missed])).toEqual([
    [1, 0],
    [100, 899],
  ]);
  expect(told[1]?.events.at(-1)?.sequence).toBe(1_000);

  gathering[Symbol.dispose]();
  events.emit('changed');
  vi.advanceTimersByTime(5_000);
  expect(told).toHaveLength(2);
});
