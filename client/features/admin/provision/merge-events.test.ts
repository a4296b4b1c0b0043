import {
  providerIdSchema,
  provisionEventSchema,
  resourceIdSchema,
  type ProvisionEvent,
} from '@medusa/protocol';
import { expect, it } from 'vitest';
import { mergeEvents } from './merge-events.ts';

function event(sequence: number, resource = 'render-1'): ProvisionEvent {
  return provisionEventSchema.parse({
    ...{ sequence, at: '2026-01-01T00:00:00Z', provider: 'cloud', resource, kind: 'phase' },
    ...{ outcome: 'ok', text: 'ready', durationMs: null },
  });
}

const sequences = (events: readonly ProvisionEvent[]): number[] => events.map(({ sequence }) => sequence);

it('puts what is new on top once, keeps to the filter and to the length of the page', () => {
  const known = [event(3), event(2)];
  const news = [event(3), event(4), event(5, 'render-2'), event(6)];

  expect(sequences(mergeEvents(known, news, { limit: 3 }))).toEqual([6, 5, 4]);
  const resource = resourceIdSchema.parse('render-1');
  expect(sequences(mergeEvents(known, news, { resource, limit: 9 }))).toEqual([6, 4, 3, 2]);
  expect(mergeEvents(known, news, { provider: providerIdSchema.parse('other'), limit: 9 })).toBe(known);
});

it('leaves an older page as it is', () => {
  const known = [event(3)];

  expect(mergeEvents(known, [event(4)], { before: 4, limit: 9 })).toBe(known);
});
