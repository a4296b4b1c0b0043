import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { joinedRoomSchema, sessionIdSchema, type Ack, type JoinedRoom } from '@medusa/protocol';
import { Server } from 'socket.io';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Realtime } from './realtime.ts';
import { Room } from './room.ts';

const sessionId = sessionIdSchema.parse('session-1');
type JoinRequest = { sessionId: string; participantId?: string };
type Join = (request: JoinRequest, answer: (ack: Ack<JoinedRoom>) => void) => void;

const roomOf = (you: string): JoinedRoom =>
  joinedRoomSchema.parse({
    you,
    room: { sessionId, participants: [], floorHolder: null, floorRequests: [], chat: [] },
  });

/** The broker's end of the wire, as far as joining goes. */
describe('Room', () => {
  let server: Server;
  let url: string;
  let realtime: Realtime;
  let room: Room;
  let joins: JoinRequest[];
  let tokens: unknown[];
  let answer: (request: JoinRequest) => Ack<JoinedRoom>;
  const seats = new Map<string, string>();

  beforeEach(async () => {
    const http = createServer();
    server = new Server(http);
    joins = [];
    tokens = [];
    seats.clear();
    answer = ({ participantId }) => ({ ok: true, value: roomOf(participantId ?? `seat-${joins.length}`) });
    server.of('/client').on('connection', (socket) => {
      tokens.push((socket.handshake.auth as { token?: unknown }).token);
      const join: Join = (request, done) => {
        joins.push(request);
        done(answer(request));
      };
      socket.on('room.join', join);
      socket.on('room.leave', (done: (ack: Ack<null>) => void) => done({ ok: true, value: null }));
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/client`;
    realtime = new Realtime(url, async () => 'a-token');
    room = newRoom();
  });

  afterEach(async () => {
    room.close();
    realtime.close();
    await server.close();
    vi.unstubAllGlobals();
  });

  const newRoom = (): Room =>
    new Room(realtime, sessionId, {
      getItem: (key) => seats.get(key) ?? null,
      setItem: (key, value) => void seats.set(key, value),
      removeItem: (key) => void seats.delete(key),
    });

  it('joins with the access token and takes a seat', async () => {
    room.join();

    await vi.waitFor(() => expect(room.you.get()).toBe('seat-1'));
    expect(tokens).toEqual(['a-token']);
    expect(joins).toEqual([{ sessionId }]);
  });

  it('takes its own seat again after the link was lost', async () => {
    room.join();
    await vi.waitFor(() => expect(room.you.get()).toBe('seat-1'));

    server.of('/client').disconnectSockets(true);

    await vi.waitFor(
      () => expect(joins).toEqual([{ sessionId }, { sessionId, participantId: 'seat-1' }]),
      10_000,
    );
    expect(room.you.get()).toBe('seat-1');
  });

  it('takes its own seat again after a reload, and a new one after leaving', async () => {
    room.join();
    await vi.waitFor(() => expect(room.you.get()).toBe('seat-1'));

    room.close();
    room = newRoom();
    room.join();
    await vi.waitFor(() => expect(joins[1]).toEqual({ sessionId, participantId: 'seat-1' }));

    await room.leave();
    room = newRoom();
    room.join();
    await vi.waitFor(() => expect(joins[2]).toEqual({ sessionId }));
  });

  it('asks no more once it is refused', async () => {
    answer = () => ({
      ok: false,
      problem: {
        type: 'urn:medusa:problem:access.refused',
        code: 'access.refused',
        title: 'Your role does not allow this',
        status: 403,
        retry: false,
      },
    });

    room.join();

    await vi.waitFor(() => expect(room.refusal.get()?.code).toBe('access.refused'));
    expect(room.you.get()).toBeNull();
    expect(joins).toHaveLength(1);
  });

  it('keeps the room as the broker tells it, and drops what does not fit the wire', async () => {
    const faults: unknown[] = [];
    vi.stubGlobal('reportError', (fault: unknown) => faults.push(fault));
    room.join();
    await vi.waitFor(() => expect(room.you.get()).toBe('seat-1'));

    server.of('/client').emit('room.changed', { sessionId, participants: 'nobody' });
    server.of('/client').emit('room.changed', { ...roomOf('x').room, floorHolder: 'seat-1' });

    await vi.waitFor(() => expect(room.view.get()?.floorHolder).toBe('seat-1'));
    expect(faults).toHaveLength(1);
  });
});
