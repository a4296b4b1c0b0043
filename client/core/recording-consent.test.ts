import { participantIdSchema, roomViewSchema, type RoomView } from '@medusa/protocol';
import { expect, it } from 'vitest';
import { mustAgree, notYetAgreed } from './recording-consent.ts';

const [a, b, c] = [
  participantIdSchema.parse('a'),
  participantIdSchema.parse('b'),
  participantIdSchema.parse('c'),
];

function room(phase: 'asked' | 'starting' | 'on' | null): RoomView {
  const at = '2026-01-01T10:00:00Z';
  const common = { role: 'doctor', colour: '#fff', isOwner: false, joinedAt: at };
  const recording = {
    ...{ id: '6f1f0a52-6a0c-4c62-9a3b-0a3f7d1c2b3e', phase, askedBy: a, askedByName: 'a', askedAt: at },
    ...{ startedAt: null, agreed: [a] },
  };
  return roomViewSchema.parse({
    ...{ sessionId: 's', floorHolder: a, floorRequests: [], chat: [] },
    participants: [a, b, c].map((id) => ({ ...common, id, userId: id, name: id, isConnected: id !== c })),
    recording: phase === null ? null : recording,
  });
}

it('keeps the picture from who has not agreed, once it is recorded', () => {
  const seen = (phase: Parameters<typeof room>[0]): boolean[] =>
    [a, b].map((who) => mustAgree(room(phase), who));
  expect([seen(null), seen('asked'), seen('starting'), seen('on')]).toEqual([
    ...[
      [false, false],
      [false, false],
    ],
    ...[
      [false, true],
      [false, true],
    ],
  ]);
  expect(mustAgree(room('on'), null)).toBe(false);
});

it('names those who are here and have not answered', () => {
  expect(notYetAgreed(room('asked'))).toEqual(['b']);
});
