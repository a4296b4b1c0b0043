import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { XEvent } from 'x11';
import { Clipboard, type DisplayAddress, VirtualDisplay, XConnection } from './index.ts';

const report = (error: unknown): void => {
  throw error as Error;
};
const deleted = 1;
const none = { requestor: 0, selection: 0, property: 0, target: 0, time: 0 };

/** A program that hands its text over in pieces (ICCCM §2.7.2), as old toolkits do with long ones; or says nothing when asked. */
async function copyInPieces(address: DisplayAddress, pieces: readonly string[] | null): Promise<XConnection> {
  const connection = await XConnection.open(address, { report });
  const { client } = connection;
  const intern = promisify(client.InternAtom.bind(client, false));
  const [clipboard, incremental] = [await intern('CLIPBOARD'), await intern('INCR')];
  const window = connection.createHiddenWindow();
  const left = [...(pieces ?? []), ''];
  let asked: typeof none | undefined;
  client.on('event', (event: XEvent) => {
    if (pieces === null) return;
    if (event.name === 'SelectionRequest') {
      asked = { ...none, ...event };
      client.ChangeWindowAttributes(asked.requestor, { eventMask: 1 << 22 });
      client.ChangeProperty(0, asked.requestor, asked.property, incremental, 32, [pieces.join('').length]);
      client.SendEvent(asked.requestor, 0, 0, { ...asked, name: 'SelectionNotify', type: 31 });
    }
    const isTaken = event.name === 'PropertyNotify' && event.state === deleted;
    const piece = isTaken ? left.shift() : undefined;
    if (asked && piece !== undefined)
      client.ChangeProperty(0, asked.requestor, asked.property, asked.target, 8, Buffer.from(piece));
  });
  client.SetSelectionOwner(window, clipboard, 0);
  await connection.sync();
  return connection;
}

describe('the clipboard of a display', () => {
  const cleanup = new AsyncDisposableStack();
  let address: DisplayAddress;
  let clipboard: Clipboard;

  beforeAll(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'medusa-clipboard-'));
    cleanup.defer(async () => rm(folder, { recursive: true, force: true }));
    const options = { size: { widthPx: 640, heightPx: 480 }, folder, uid: null, report };
    address = cleanup.use(await VirtualDisplay.create(options, AbortSignal.timeout(20_000))).address;
    clipboard = cleanup.use(await Clipboard.open(address, report));
  }, 30_000);
  afterAll(async () => cleanup.disposeAsync());

  it('takes a text that comes in pieces', async () => {
    cleanup.use(await copyInPieces(address, ['Ground', '-glass', ' opacity']));

    expect(await clipboard.read(1_000)).toBe('Ground-glass opacity');
  });

  it('stops as soon as the pieces are too much', async () => {
    const pieces = Array.from({ length: 50 }, () => 'x'.repeat(100));
    cleanup.use(await copyInPieces(address, pieces));

    await expect(clipboard.read(1_000)).rejects.toMatchObject({ code: 'transfer.too-large' });
  });

  it('does not wait for a program that does not answer, nor copies what it offers itself', async () => {
    cleanup.use(await copyInPieces(address, null));
    expect(await clipboard.read(1_000)).toBeNull();

    await clipboard.offer('from outside');
    expect(await clipboard.read(1_000)).toBeNull();
  });
});
