import { roomViewSchema, type ParticipantId } from '@medusa/protocol';
import { expect, it } from 'vitest';
import { readRoomNews } from './room-news.ts';

const at = '2026-11-24T08:00:00.000Z';
const room = (people: string[], messages: [id: string, from: string][]) =>
  roomViewSchema.parse({
    sessionId: 's',
    participants: people.map((id) => ({
      ...{ id, userId: id, name: id, role: 'doctor', colour: '#fff' },
      ...{ isOwner: false, isConnected: true, joinedAt: at },
    })),
    floorHolder: null,
    floorRequests: [],
    chat: messages.map(([id, participantId]) => ({
      ...{ id, participantId, name: participantId, colour: '#fff', text: id, at },
    })),
  });
const you = 'you' as ParticipantId;

it('tells who came, who went and what they wrote, never what one did oneself', () => {
  const before = room(['you', 'gone'], [['m1', 'gone']]);
  const now = room(
    ['you', 'new'],
    [
      ['m1', 'gone'],
      ['m2', 'you'],
      ['m3', 'new'],
    ],
  );

  const news = readRoomNews(before, now, you);

  expect(news.joined.map(({ id }) => id)).toEqual(['new']);
  expect(news.left.map(({ id }) => id)).toEqual(['gone']);
  expect(news.messages.map(({ id }) => id)).toEqual(['m3']);
});

it('takes nothing in the first view for news', () => {
  expect(readRoomNews(null, room(['you', 'new'], [['m1', 'new']]), you)).toEqual({
    joined: [],
    left: [],
    messages: [],
  });
});
