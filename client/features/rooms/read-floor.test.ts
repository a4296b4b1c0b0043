import { roomViewSchema, type ParticipantId } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { readFloor } from './read-floor.ts';

const seat = (id: string, isOwner: boolean) => ({
  id,
  userId: id,
  name: id,
  role: 'radiologist',
  colour: '#fff',
  isOwner,
  isConnected: true,
  joinedAt: '2026-11-24T08:00:00.000Z',
});
const room = (floorHolder: string | null, floorRequests: string[] = []) =>
  roomViewSchema.parse({
    sessionId: 's',
    participants: [seat('owner', true), seat('guest', false), seat('other', false)],
    floorHolder,
    floorRequests,
    chat: [],
  });
const as = (id: string): ParticipantId => id as ParticipantId;

describe('readFloor', () => {
  it('lets nobody take what is their own', () => {
    expect(readFloor(room('guest'), as('guest'))).toMatchObject({ isYours: true, canTake: false });
  });

  it('lets a guest take a free floor, and ask for a held one', () => {
    expect(readFloor(room(null), as('guest'))).toMatchObject({ isYours: false, canTake: true });
    expect(readFloor(room('other', ['guest']), as('guest'))).toMatchObject({
      canTake: false,
      hasAsked: true,
    });
  });

  it('lets the owner take the floor back at any time', () => {
    expect(readFloor(room('guest'), as('owner'))).toMatchObject({ canTake: true, holder: { name: 'guest' } });
  });

  it('knows nothing before the room is joined', () => {
    expect(readFloor(null, null)).toEqual({
      you: undefined,
      holder: undefined,
      isYours: false,
      hasAsked: false,
      canTake: true,
    });
  });
});
