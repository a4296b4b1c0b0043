import { randomBytes } from 'node:crypto';
import { connect as connectPlain } from 'node:net';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  AppError,
  participantIdSchema,
  sessionIdSchema,
  type ReaderMessage,
  type Transfer,
  type TransferResponse,
} from '@medusa/protocol';
import { createFrameReader, createFrameWriter } from './frames.ts';
import { ReaderStream } from './reader-stream.ts';
import { RelayServer, type FromReader } from './relay-server.ts';
import { secretTls } from './secret-tls.ts';
import { TransferAsking } from './transfer-asking.ts';

const sessionId = sessionIdSchema.parse('session-1');
const participantId = participantIdSchema.parse('participant-1');
const relayKey = randomBytes(32).toString('base64');

let cleanup: AsyncDisposableStack;
let reports: unknown[];
let server: RelayServer;

beforeEach(async () => {
  cleanup = new AsyncDisposableStack();
  reports = [];
  const report = (error: unknown): void => void reports.push(error);
  server = cleanup.use(await RelayServer.open({ bindAddress: '127.0.0.1', port: 0, report }));
});
afterEach(async () => cleanup.disposeAsync());

type Seen = {
  readonly connections: FromReader[];
  readonly messages: ReaderMessage[];
  readonly pictures: number[];
};

function expectReader(): Seen & { readonly invitation: Disposable } {
  const seen: Seen = { connections: [], messages: [], pictures: [] };
  const take = (connection: FromReader): void => {
    seen.connections.push(connection);
    connection.events.on('message', (message) => seen.messages.push(message));
    connection.events.on('picture', ({ rtpTimestamp }) => seen.pictures.push(rtpTimestamp));
  };
  return { ...seen, invitation: server.expect(sessionId, { relayKey, take }) };
}

function openReader(key = relayKey): ReaderStream {
  const part = { role: 'reader', host: '127.0.0.1', port: server.port, relayKey: key } as const;
  const report = (error: unknown): void => void reports.push(error);
  return cleanup.use(new ReaderStream({ sessionId, part, kbps: 8_000, report }));
}

describe('the relay between reader and viewer', () => {
  it('takes pictures one way and what participants do the other way', async () => {
    const seen = expectReader();
    const reader = openReader();
    const heard: unknown[] = [];
    reader.events.on('input', (...input) => heard.push(['input', ...input]));
    reader.events.on('controller', (who) => heard.push(['controller', who]));
    reader.events.on('bitrate', (kbps) => heard.push(['bitrate', kbps]));
    reader.events.on('participant-gone', (who) => heard.push(['gone', who]));
    await expect.poll(() => seen.connections.length).toBe(1);
    reader.push({ bytes: randomBytes(70_000), rtpTimestamp: 0xffff_fff0 });
    reader.display.announce({ kind: 'size', widthPx: 800, heightPx: 600 });
    reader.shown();
    const [viewer] = seen.connections;
    viewer?.say({ kind: 'controller', participantId });
    viewer?.say({ kind: 'input', participantId, bytes: Buffer.of(1, 2, 3).toString('base64') });
    viewer?.say({ kind: 'bitrate', kbps: 2_000 });
    viewer?.say({ kind: 'watched', connected: 2 });
    viewer?.say({ kind: 'gone', participantId });

    await expect.poll(() => seen.messages.length).toBe(2);
    expect(seen.pictures).toEqual([0xffff_fff0]);
    expect(seen.messages).toEqual([
      { kind: 'display', event: { kind: 'size', widthPx: 800, heightPx: 600 } },
      { kind: 'shown' },
    ]);
    await expect.poll(() => heard.length).toBe(4);
    expect(heard).toEqual([
      ['controller', participantId],
      ['input', participantId, Buffer.of(1, 2, 3)],
      ['bitrate', 2_000],
      ['gone', participantId],
    ]);
    expect([reader.connectedParticipants, reader.targetKbps]).toEqual([2, 2_000]);
    expect(reports).toEqual([]);
  });

  it('asks the reader for the clipboard of its display, and takes a refusal as one', async () => {
    const seen = expectReader();
    const reader = openReader();
    reader.events.on('transfer', ({ rights }, request, answer) =>
      answer(
        rights.allowed.includes(request.kind)
          ? Promise.resolve({ kind: 'copy', text: 'Nodule' })
          : Promise.reject(new AppError('transfer.refused', 'It may not be')),
      ),
    );
    await expect.poll(() => seen.connections.length).toBe(1);
    const [viewer] = seen.connections;
    const asking = new TransferAsking();
    viewer?.events.on('message', (message) => message.kind === 'transferred' && asking.heed(message));
    const ask = async (allowed: Transfer[]): Promise<TransferResponse> => {
      const asked = { participantId, rights: { allowed, mostBytes: 9 }, request: { kind: 'copy' } } as const;
      return asking.ask(asked, (message) => viewer?.say(message));
    };

    expect(await ask(['copy'])).toEqual({ kind: 'copy', text: 'Nodule' });
    await expect(ask([])).rejects.toMatchObject({ code: 'transfer.refused' });
    viewer?.events.on('closed', () => asking.giveUp());
    const left = ask(['copy']);
    viewer?.[Symbol.dispose]();
    await expect(left).rejects.toMatchObject({ code: 'node.unreachable' });
  });

  it('comes again after a break, with the state of the display and a new keyframe', async () => {
    const seen = expectReader();
    const reader = openReader();
    let keyframes = 0;
    reader.events.on('keyframe-wanted', () => (keyframes += 1));
    await expect.poll(() => seen.connections.length).toBe(1);
    reader.display.announce({ kind: 'size', widthPx: 640, heightPx: 480 });
    reader.shown();
    await expect.poll(() => seen.messages.length).toBe(2);

    seen.connections[0]?.[Symbol.dispose]();

    await expect.poll(() => seen.connections.length, { timeout: 5_000 }).toBe(2);
    await expect.poll(() => seen.messages.length).toBe(4);
    expect(seen.messages.slice(2)).toEqual(seen.messages.slice(0, 2));
    expect(keyframes).toBe(2);
  });

  it('lets nobody in who does not know the key, or whose session is not expected', async () => {
    const seen = expectReader();
    const attempts = [
      { identity: sessionId, psk: randomBytes(32) },
      { identity: 'another-session', psk: Buffer.from(relayKey, 'base64') },
    ].map(async (secret) => {
      const socket = connect({
        ...secretTls,
        ...{ host: '127.0.0.1', port: server.port },
        pskCallback: () => secret,
        checkServerIdentity: () => undefined,
      });
      return new Promise<boolean>((resolve) => {
        socket.on('secureConnect', () => resolve(true));
        socket.on('error', () => resolve(false));
      });
    });

    expect(await Promise.all(attempts)).toEqual([false, false]);
    expect(seen.connections).toEqual([]);
  });

  it('has done with a session that is not expected any more, and with callers that say nothing', async () => {
    const seen = expectReader();
    openReader();
    await expect.poll(() => seen.connections.length).toBe(1);
    const closed = new Promise<void>((resolve) => {
      seen.connections[0]?.events.on('closed', () => resolve());
    });
    seen.invitation[Symbol.dispose]();
    await closed;
    const silent = connectPlain(server.port, '127.0.0.1');
    await new Promise((resolve) => silent.once('connect', resolve));
    const ended = new Promise((resolve) => silent.once('close', resolve));

    await server[Symbol.asyncDispose]();
    await ended;
  });
});

describe('frames of the relay', () => {
  it('are the same however the bytes come', () => {
    const frames = [
      { kind: 'message', text: '{"kind":"shown"}' },
      { kind: 'picture', rtpTimestamp: 7, bytes: Uint8Array.from(randomBytes(300)) },
      { kind: 'message', text: 'ä' },
    ] as const;
    const bytes = Buffer.concat(frames.map(createFrameWriter()));
    const whole = createFrameReader()(bytes);
    const read = createFrameReader();
    const single = [...bytes].flatMap((byte) => read(Buffer.of(byte)));

    expect(whole).toEqual(frames);
    expect(single).toEqual(frames);
  });

  it('take little for a message that is much like one before', () => {
    const write = createFrameWriter();
    const text = (n: number): string => JSON.stringify({ kind: 'view', uid: randomText, n });
    const randomText = randomBytes(600).toString('base64');
    const [first = 0, second = 0] = [1, 2].map((n) => write({ kind: 'message', text: text(n) }).length);

    expect(first).toBeGreaterThan(600);
    expect(second).toBeLessThan(60);
  });

  it('are refused when they are too long or unknown', () => {
    expect(() => createFrameReader()(Buffer.from('7fffffff01', 'hex'))).toThrow(/too long/);
    expect(() => createFrameReader()(Buffer.from('0000000109', 'hex'))).toThrow(/unknown/);
    expect(() => createFrameReader()(Buffer.from('000000020200', 'hex'))).toThrow(/unknown/);
  });
});
