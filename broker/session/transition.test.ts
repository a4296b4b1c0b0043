import {
  nodeIdSchema,
  sessionIdSchema,
  sessionStateSchema,
  userIdSchema,
  type SessionState,
} from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import type { SessionRecord } from './session-record.ts';
import { isRejected, transition, type SessionEvent } from './transition.ts';

const at = new Date('2026-01-01T00:00:10Z');

function record(state: SessionState): SessionRecord {
  return {
    id: sessionIdSchema.parse('s'),
    state,
    mode: 'streamed',
    priority: 'routine',
    applicationId: 'workstation',
    applicationName: 'Workstation',
    studyInstanceUID: '1.2',
    studyTitle: '',
    ownerId: userIdSchema.parse('u'),
    ownerName: '',
    nodeId: null,
    placement: null,
    queue: null,
    failure: null,
    steps: [],
    createdAt: '2026-01-01T00:00:00Z',
    streamingAt: null,
    closedAt: null,
    closeReason: null,
    widthPx: 1,
    heightPx: 1,
    storageNodeId: 'n',
    commandAtMs: null,
    joinedAt: null,
  };
}

const placement = { nodeId: nodeIdSchema.parse('n'), reason: 'r', predicted: null, considered: [] };
const events: Readonly<Record<SessionEvent['kind'], SessionEvent>> = {
  'begin-placing': { kind: 'begin-placing' },
  queue: { kind: 'queue', queue: { position: 1, etaSeconds: null, reason: 'full' } },
  'queue-again': { kind: 'queue-again', queue: { position: 1, etaSeconds: null, reason: 'restarted' } },
  place: { kind: 'place', placement },
  start: { kind: 'start', commandAtMs: 5 },
  stream: { kind: 'stream' },
  suspend: { kind: 'suspend' },
  join: { kind: 'join' },
  step: { kind: 'step', step: { step: 'x', startMs: 0, endMs: 1 } },
  close: { kind: 'close', reason: 'done' },
  closed: { kind: 'closed' },
  fail: { kind: 'fail', code: 'c', detail: 'd' },
};

/** To which state each event leads from each state; what is not named is rejected. */
const expected: Readonly<Record<SessionState, Partial<Record<SessionEvent['kind'], SessionState>>>> = {
  requested: { 'begin-placing': 'placing', queue: 'queued', 'queue-again': 'queued', stream: 'streaming' },
  queued: { 'begin-placing': 'placing', queue: 'queued', 'queue-again': 'queued' },
  placing: { queue: 'queued', 'queue-again': 'queued', place: 'provisioning' },
  provisioning: { 'queue-again': 'queued', start: 'starting' },
  starting: { stream: 'streaming', suspend: 'suspended' },
  streaming: { suspend: 'suspended' },
  suspended: { stream: 'streaming' },
  closing: { closed: 'closed', fail: 'failed' },
  closed: {},
  failed: {},
};

describe('the states of a session', () => {
  it.each(sessionStateSchema.options)('from %s only what is named', (state) => {
    const isEnding = ['closing', 'closed', 'failed'].includes(state);
    const always = isEnding
      ? {}
      : { join: state, step: state, close: 'closing', closed: 'closed', fail: 'failed' };

    const reached = Object.values(events).flatMap((event) => {
      const next = transition(record(state), event, at);
      return isRejected(next) ? [] : [[event.kind, next.state]];
    });

    expect(Object.fromEntries(reached)).toEqual({ ...always, ...expected[state] });
  });

  it('keeps when it began to stream, through a suspension', () => {
    const streamed = transition(
      { ...record('suspended'), streamingAt: '2026-01-01T00:00:05.000Z' },
      { kind: 'stream' },
      at,
    );

    expect(streamed).toMatchObject({ state: 'streaming', streamingAt: '2026-01-01T00:00:05.000Z' });
  });

  it('says why it rejects', () => {
    expect(transition(record('closed'), { kind: 'stream' }, at)).toEqual({
      kind: 'rejected',
      reason: 'A session that is closed cannot stream',
    });
  });
});
