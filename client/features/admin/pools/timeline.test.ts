import { provisionEventSchema, type ProvisionEvent } from '@medusa/protocol';
import { expect, it } from 'vitest';
import { incarnationsOf, timelineOf } from './timeline.ts';

const start = Date.parse('2026-01-01T00:00:00Z');

function event(sequence: number, seconds: number, parts: Partial<ProvisionEvent>): ProvisionEvent {
  return provisionEventSchema.parse({
    ...{
      sequence,
      at: new Date(start + seconds * 1_000).toISOString(),
      provider: 'cloud',
      resource: 'render-1',
    },
    ...{ kind: 'phase', outcome: 'ok', text: '', durationMs: null },
    ...parts,
  });
}

it('turns the log into spans of phases and bars of steps, whatever order it comes in', () => {
  const events = [
    event(5, 60, { text: 'creating: the machine is gone' }),
    event(4, 40, { text: 'ready → degraded: no heartbeat' }),
    event(3, 10, { text: 'ready: it registered' }),
    event(2, 9, { kind: 'step', text: 'create machine', durationMs: 4_000, outcome: 'failed' }),
    event(1, 4, { text: 'creating' }),
    event(6, 61, { kind: 'admin', text: 'Ada asked to drain it' }),
  ];

  const timeline = timelineOf(events, start + 70_000);

  if (!timeline) throw new Error('no timeline');
  const secondsOf = (ms: number): number => (ms - start) / 1_000;
  expect(timeline.spans.map(({ phase, from, to }) => [phase, secondsOf(from), secondsOf(to)])).toEqual([
    ['creating', 4, 10],
    ['ready', 10, 40],
    ['degraded', 40, 60],
    ['creating', 60, 70],
  ]);
  expect(timeline.steps).toMatchObject([{ text: 'create machine', outcome: 'failed' }]);
  expect([timeline.from, timeline.to].map(secondsOf)).toEqual([4, 70]);
  expect(incarnationsOf(timeline).map(secondsOf)).toEqual([4, 60]);
});

it('has nothing to show where nothing has happened', () => {
  expect(timelineOf([event(1, 1, { kind: 'admin', text: 'ready' })], start)).toBeNull();
});
