import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesOf, readDicomFile } from '../testing/files.ts';
import {
  associateRequest,
  commandSet,
  connectPeer,
  dataPdu,
  sendObject,
  statusOf,
  type RawPeer,
} from '../testing/scu.ts';
import { startTestNode, type TestNode } from '../testing/test-node.ts';
import { pduTypes } from './pdu.ts';

const ct = {
  id: 1,
  abstractSyntax: '1.2.840.10008.5.1.4.1.1.2',
  transferSyntaxes: ['1.2.840.10008.1.2.4.80'],
};

describe('the asynchronous operations window', () => {
  let storage: TestNode;
  beforeAll(async () => {
    storage = await startTestNode();
  });
  afterAll(async () => storage[Symbol.asyncDispose]());

  /** Answers the peer and the window that was accepted. */
  const associated = async (window: number): Promise<[RawPeer, number]> => {
    const peer = await connectPeer(storage.node.dicomPort);
    peer.send(associateRequest({ contexts: [ct], window }));
    const accept = await peer.next();
    expect(accept?.type).toBe(pduTypes.associateAccept);
    const at = accept?.body.indexOf(Buffer.of(0x53, 0, 0, 4)) ?? -1;
    return [peer, accept?.body.readUInt16BE(at + 4) ?? 0];
  };

  it.each([
    [4, 4],
    [0, 8],
    [100, 8],
  ])('of %i is accepted as %i, and that many objects come without waiting', async (proposed, accepted) => {
    const [open, window] = await associated(proposed);
    using peer = open;
    expect(window).toBe(accepted);
    const objects = await Promise.all((await filesOf('ct-chest')).slice(0, window).map(readDicomFile));

    for (const [index, { meta, dataSet }] of objects.entries())
      sendObject(peer, index + 1, { ...meta, dataSet });

    const statuses: (number | undefined)[] = [];
    while (statuses.length < objects.length) statuses.push(statusOf(await peer.next()));
    expect(statuses).toEqual(objects.map(() => 0));
  });

  it('is one operation unless proposed: who begins a second is aborted', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'window-')), 'registry.json');
    await writeFile(file, JSON.stringify({ entities: { TESTER: { tls: 'off', may: ['query'] } } }));
    await using reader = await startTestNode({ registry: file });
    using peer = await connectPeer(reader.node.dicomPort);
    const sop = '1.2.840.10008.5.1.4.1.2.2.1';
    peer.send(
      associateRequest({
        contexts: [{ id: 1, abstractSyntax: sop, transferSyntaxes: ['1.2.840.10008.1.2'] }],
      }),
    );
    expect((await peer.next())?.type).toBe(pduTypes.associateAccept);
    const command = (messageId: number): Buffer =>
      dataPdu(1, commandSet({ 0x0002: sop, 0x0100: 0x0020, 0x0110: messageId, 0x0700: 0, 0x0800: 1 }), {
        isCommand: true,
        isLast: true,
      });
    const identifier = dataPdu(1, Buffer.alloc(2_000), { isCommand: false, isLast: true });

    peer.send(Buffer.concat([command(1), identifier, command(2), identifier]));

    expect((await peer.next())?.type).toBe(pduTypes.abort);
    await rm(dirname(file), { recursive: true });
  });
});
