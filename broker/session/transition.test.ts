import {
  nodeIdSchema,
  sessionIdSchema,
  sessionStateSchema,
  userIdSchema,
  type SessionState,
} from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import type { SessionRecord } from './session-record.ts';
import { isRejected, nextAttempt, transition, type Rejected, type SessionEvent } from './transition.ts';

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
  lose: { kind: 'lose', incarnation: 1, reason: 'gone' },
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
  provisioning: { 'queue-again': 'queued', start: 'starting', lose: 'placing' },
  starting: { stream: 'streaming', suspend: 'suspended', lose: 'placing' },
  streaming: { suspend: 'suspended', lose: 'placing' },
  suspended: { stream: 'streaming', lose: 'placing' },
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

  it('counts its lives and its attempts, and says since when its user waits', () => {
    const onNode = { ...record('streaming'), nodeId: nodeIdSchema.parse('n') };
    const later = new Date(at.getTime() + 3_000);

    const lost = accepted(transition(onNode, { kind: 'lose', incarnation: 1, reason: 'gone' }, at));
    const again = accepted(
      transition({ ...lost, state: 'starting' }, { kind: 'lose', incarnation: 2, reason: 'slow' }, later),
    );
    const back = accepted(transition({ ...again, state: 'starting' }, { kind: 'stream' }, later));

    expect(lost).toMatchObject({
      ...{ state: 'placing', nodeId: null, incarnation: 2 },
      recovery: { attempt: 1, reason: 'gone', lostNodeId: 'n', lostAt: at.toISOString(), recoveredAt: null },
    });
    expect(again).toMatchObject({
      incarnation: 3,
      recovery: { attempt: 2, reason: 'slow', lostNodeId: null, lostAt: at.toISOString() },
    });
    expect(back.recovery?.recoveredAt).toBe(later.toISOString());
  });

  it('begins to count anew when the last loss is long past', () => {
    const recovery = { attempt: 3, reason: '', lostNodeId: null, lostAt: '2026-01-01T00:00:00Z' };
    const recoveredAt = '2026-01-01T00:00:04Z';

    expect(nextAttempt({ recovery: { ...recovery, recoveredAt } }, '2026-01-01T00:01:04Z')).toBe(4);
    expect(nextAttempt({ recovery: { ...recovery, recoveredAt } }, '2026-01-01T00:01:05Z')).toBe(1);
  });

  it('is not lost by what is said of a former life', () => {
    const second = { ...record('streaming'), incarnation: 2 };

    expect(transition(second, { kind: 'lose', incarnation: 1, reason: 'late' }, at)).toMatchObject({
      kind: 'rejected',
    });
  });

  it('says why it rejects', () => {
    expect(transition(record('closed'), { kind: 'stream' }, at)).toEqual({
      kind: 'rejected',
      reason: 'A session that is closed cannot stream',
    });
  });
});

function accepted(outcome: SessionRecord | Rejected): SessionRecord {
  if (isRejected(outcome)) throw new Error(outcome.reason);
  return outcome;
}
