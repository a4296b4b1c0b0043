import { participantIdSchema, recordingIdSchema, sessionIdSchema, userIdSchema } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { maySee } from './recording-consent.ts';
import { emptyRoom, isRoomRejection, transitionRoom } from './room-state.ts';
import type { RecordingEvent, RoomEvent, RoomState } from './room-types.ts';

const at = '2026-01-01T10:00:00Z';
const id = recordingIdSchema.parse('6f1f0a52-6a0c-4c62-9a3b-0a3f7d1c2b3e');
const seatOf = (name: string): ReturnType<typeof participantIdSchema.parse> =>
  participantIdSchema.parse(name);
const [owner, guest, late] = [seatOf('owner'), seatOf('guest'), seatOf('late')];

function joining(name: typeof owner): RoomEvent {
  const userId = userIdSchema.parse(`user-${name}`);
  return {
    kind: 'join',
    seat: { id: name, userId, name, role: 'radiologist', isOwner: name === owner, joinedAt: at },
  };
}
type Step = RecordingEvent extends infer Event
  ? Event extends RecordingEvent
    ? Omit<Event, 'kind'>
    : never
  : never;
const step = (event: Step): RoomEvent => ({ ...event, kind: 'recording' });
const ask = step({ act: 'ask', participantId: owner, id, at });
const agree = (participantId: typeof owner): RoomEvent => step({ act: 'agree', participantId });
const begin = step({ act: 'begin', id, at });

function after(...events: readonly RoomEvent[]): RoomState {
  return events.reduce<RoomState>(
    (room, event) => {
      const next = transitionRoom(room, event);
      if (isRoomRejection(next)) throw new Error(next.code);
      return next;
    },
    emptyRoom(sessionIdSchema.parse('session-1')),
  );
}

const two = [joining(owner), joining(guest)];
const on = [...two, ask, agree(guest), begin];

describe('consent to a recording', () => {
  it('is waited for until all who are present have given it', () => {
    const three = [...two, joining(late), ask];
    expect(after(...three).recording).toMatchObject({ phase: 'asked', agreed: [owner] });
    expect(after(...three, agree(guest)).recording?.phase).toBe('asked');
    expect(after(...three, agree(guest), agree(late)).recording?.phase).toBe('starting');
  });

  it('is not waited for from who has left or is away, but then there is no picture for them', () => {
    const left = after(...two, ask, { kind: 'leave', participantId: guest });
    expect(left.recording?.phase).toBe('starting');
    const away = after(...two, ask, { kind: 'disconnect', participantId: guest, at }, begin);
    expect(away.recording?.phase).toBe('on');
    expect([maySee(away, owner), maySee(away, guest)]).toEqual([true, false]);
  });

  it('is asked of who comes later, before there is a picture', () => {
    const room = after(...on, joining(late));
    expect([maySee(room, guest), maySee(room, late)]).toEqual([true, false]);
    expect(maySee(after(...on, joining(late), agree(late)), late)).toBe(true);
    // While it is only asked for, nothing is recorded yet.
    expect(maySee(after(...two, ask), guest)).toBe(true);
  });

  it('is asked of who came while the others agreed', () => {
    const room = after(...two, ask, joining(late), agree(guest));
    expect(room.recording?.phase).toBe('asked');
  });

  const declined = [...two, ask, step({ act: 'decline', participantId: guest })];
  const withdrawn = [...two, ask, step({ act: 'stop', participantId: owner })];
  const ownerLeaves: RoomEvent = { kind: 'leave', participantId: owner };
  const limited = [...on, step({ act: 'end', id, reason: 'limit' })];
  it.each([
    { when: 'one does not agree', events: declined, reason: 'declined', by: 'guest' },
    { when: 'the asker takes it back', events: withdrawn, reason: 'withdrawn', by: 'owner' },
    { when: 'the asker leaves before', events: [...two, ask, ownerLeaves], reason: 'withdrawn', by: null },
    {
      when: 'anybody stops it',
      events: [...on, step({ act: 'stop', participantId: guest })],
      reason: 'stopped',
      by: 'guest',
    },
    { when: 'the asker leaves', events: [...on, ownerLeaves], reason: 'asker-left', by: null },
    { when: 'the node ends it', events: limited, reason: 'limit', by: null },
  ])('ends, and all are told why, when $when', ({ events, reason, by }) => {
    const room = after(...events);
    expect(room.recording).toBeNull();
    expect(room.endedRecording).toMatchObject({ id, reason, by, wasOn: events.includes(begin) });
  });

  it('does not end when another one leaves, nor by a word about another recording', () => {
    expect(after(...on, { kind: 'leave', participantId: guest }).recording?.phase).toBe('on');
    const other = recordingIdSchema.parse('00000000-6a0c-4c62-9a3b-0a3f7d1c2b3e');
    expect(after(...on, step({ act: 'end', id: other, reason: 'failed' })).recording?.phase).toBe('on');
  });

  it.each([
    ['two at once', [...two, ask, ask]],
    ['an answer to nothing', [...two, agree(guest)]],
    ['a refusal when it is on already', [...on, step({ act: 'decline', participantId: guest })]],
    ['a start of what was taken back', [...two, ask, step({ act: 'stop', participantId: owner }), begin]],
  ])('refuses %s', (_, events) => {
    expect(() => after(...events)).toThrow('recording.conflict');
  });
});
