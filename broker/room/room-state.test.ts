import { participantIdSchema, sessionIdSchema, userIdSchema } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { emptyRoom, isRoomRejection, transitionRoom } from './room-state.ts';
import type { RoomEvent, RoomState } from './room-types.ts';

const [owner, guest, other] = ['owner', 'guest', 'other'].map((id) => participantIdSchema.parse(id)) as [
  ReturnType<typeof participantIdSchema.parse>,
  ReturnType<typeof participantIdSchema.parse>,
  ReturnType<typeof participantIdSchema.parse>,
];

function joining(id: typeof owner): RoomEvent {
  const userId = userIdSchema.parse(`user-${id}`);
  const isOwner = id === owner;
  return {
    kind: 'join',
    seat: { id, userId, name: id, role: 'doctor', isOwner, joinedAt: '2026-01-01T00:00:00Z' },
  };
}

function after(...events: RoomEvent[]): RoomState {
  return events.reduce(
    (room, event) => {
      const next = transitionRoom(room, event);
      if (isRoomRejection(next)) throw new Error(next.reason);
      return next;
    },
    emptyRoom(sessionIdSchema.parse('s')),
  );
}

const full = (): RoomState => after(joining(owner), joining(guest), joining(other));
const give = (from: typeof owner, to: typeof owner): RoomEvent => ({ kind: 'give-floor', from, to });

describe('the floor', () => {
  it.each<[string, RoomState, RoomEvent, string | null]>([
    ['is the owner’s from the start', after(joining(guest)), joining(owner), owner],
    ['is nobody’s before the owner came', after(), joining(guest), null],
    ['is passed on by its holder', full(), give(owner, guest), guest],
    [
      'is taken back by the owner',
      after(joining(owner), joining(guest), give(owner, guest)),
      { kind: 'take-floor', participantId: owner },
      owner,
    ],
    [
      'may be taken by anybody when nobody holds it',
      after(joining(guest)),
      { kind: 'take-floor', participantId: guest },
      guest,
    ],
    [
      'falls back to the owner when its holder leaves',
      after(joining(owner), joining(guest), give(owner, guest)),
      { kind: 'leave', participantId: guest },
      owner,
    ],
    ['is nobody’s when the owner leaves with it', full(), { kind: 'leave', participantId: owner }, null],
    [
      'stays with a holder who lost the connection',
      full(),
      { kind: 'disconnect', participantId: owner, at: '2026-01-01T00:00:00Z' },
      owner,
    ],
  ])('%s', (...[, room, event, holder]) => {
    const next = transitionRoom(room, event);

    expect(isRoomRejection(next) ? next : next.floorHolder).toBe(holder);
  });

  it.each<[string, RoomEvent, string]>([
    [
      'taken by a guest while somebody holds it',
      { kind: 'take-floor', participantId: guest },
      'room.floor-held',
    ],
    ['given by one who does not hold it', give(guest, other), 'room.floor-held'],
    ['given to one who is not there', give(owner, participantIdSchema.parse('nobody')), 'room.not-joined'],
    [
      'asked for by one who is not there',
      { kind: 'request-floor', participantId: participantIdSchema.parse('nobody') },
      'room.not-joined',
    ],
  ])('is not %s', (_name, event, code) => {
    expect(transitionRoom(full(), event)).toMatchObject({ kind: 'rejected', code });
  });

  it('forgets a request once it is granted, or the one who asked has left', () => {
    const asked = after(
      joining(owner),
      joining(guest),
      joining(other),
      { kind: 'request-floor', participantId: guest },
      { kind: 'request-floor', participantId: other },
    );

    expect(asked.floorRequests).toEqual([guest, other]);
    expect(transitionRoom(asked, give(owner, guest))).toMatchObject({ floorRequests: [other] });
    expect(transitionRoom(asked, { kind: 'leave', participantId: other })).toMatchObject({
      floorRequests: [guest],
    });
  });
});

describe('a seat', () => {
  it('is taken again by its own user only', () => {
    const lost = after(joining(guest), {
      kind: 'disconnect',
      participantId: guest,
      at: '2026-01-01T00:00:00Z',
    });
    const rejoin = (userId: string): unknown =>
      transitionRoom(lost, { kind: 'rejoin', participantId: guest, userId: userIdSchema.parse(userId) });

    expect(rejoin('user-guest')).toMatchObject({ seats: [{ id: guest, disconnectedAt: null }] });
    expect(rejoin('user-owner')).toMatchObject({ kind: 'rejected', code: 'room.not-joined' });
  });

  it('has a colour of its own', () => {
    expect(new Set(full().seats.map(({ colour }) => colour)).size).toBe(3);
  });

  it('is not free in a full room', () => {
    const crowd = Array.from({ length: 24 }, (_, index) => joining(participantIdSchema.parse(`p${index}`)));

    expect(transitionRoom(after(...crowd), joining(owner))).toMatchObject({
      kind: 'rejected',
      code: 'access.refused',
    });
  });
});

describe('the chat', () => {
  it('keeps the latest 200 messages', () => {
    const say = (index: number): RoomEvent => ({
      kind: 'chat',
      message: {
        id: String(index),
        participantId: guest,
        name: '',
        colour: '',
        text: '',
        at: '2026-01-01T00:00:00Z',
      },
    });
    const { chat } = after(...Array.from({ length: 205 }, (_, index) => say(index)));

    expect([chat.length, chat[0]?.id, chat.at(-1)?.id]).toEqual([200, '5', '204']);
  });
});
