import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dcmtk } from '../testing/dcmtk.ts';
import { dataPath, readDicomFile } from '../testing/files.ts';
import {
  associateRequest,
  commandSet,
  connectPeer,
  dataPdu,
  sendObject,
  statusOf,
  storeCommand,
  type Proposal,
  type RawPeer,
} from '../testing/scu.ts';
import { startTestNode, type TestNode } from '../testing/test-node.ts';
import { actionFor } from './association-state.ts';
import { encodePdu, pduTypes } from './pdu.ts';

const header = (type: number, length: number): Buffer => {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt8(type);
  bytes.writeUInt32BE(length, 2);
  return bytes;
};
const echoCommand = commandSet({ 0x0002: '1.2.840.10008.1.1', 0x0100: 0x0030, 0x0110: 7, 0x0800: 0x0101 });
const ct = '1.2.840.10008.5.1.4.1.1.2';
const ctContext = { id: 1, abstractSyntax: ct, transferSyntaxes: ['1.2.840.10008.1.2.4.80'] };

describe('the upper layer', () => {
  let storage: TestNode;
  beforeAll(async () => {
    storage = await startTestNode({ artimMs: 2_000, mostAssociations: 3 });
  });
  afterAll(async () => storage[Symbol.asyncDispose]());

  const open = async (): Promise<RawPeer> => connectPeer(storage.node.dicomPort);
  const associated = async (proposal: Proposal = {}): Promise<RawPeer> => {
    const peer = await open();
    peer.send(associateRequest(proposal));
    expect((await peer.next())?.type).toBe(pduTypes.associateAccept);
    return peer;
  };
  const expectEcho = async (): Promise<void> => {
    const peer = ['-aec', 'MEDUSA', '127.0.0.1', String(storage.node.dicomPort)];
    expect(await dcmtk('echoscu', ...peer)).toMatchObject({ code: 0 });
  };

  it.each<[string, Buffer]>([
    ['bytes that are no PDU', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a PDU of a type there is not', header(0x42, 4)],
    ['a P-DATA that claims 4 GiB', header(pduTypes.data, 0xffffffff)],
    ['an association request that claims 200 KiB', header(pduTypes.associateRequest, 200 * 1024)],
    ['an abort of a wrong length', header(pduTypes.releaseRequest, 5)],
    ['P-DATA before the association', dataPdu(1, echoCommand, { isCommand: true, isLast: true })],
    ['a release before the association', encodePdu(pduTypes.releaseRequest, Buffer.alloc(4))],
    ['an association request that is too short', encodePdu(pduTypes.associateRequest, Buffer.alloc(20))],
    [
      '300 presentation contexts',
      associateRequest({
        contexts: Array.from({ length: 300 }, (_, index) => ({ ...ctContext, id: (index * 2 + 1) % 256 })),
      }),
    ],
    ['a presentation context with an even id', associateRequest({ contexts: [{ ...ctContext, id: 2 }] })],
    ['a request without presentation contexts', associateRequest({ contexts: [] })],
  ])('aborts %s as the service user (PS3.8 table 9-10, AA-1), and goes on serving', async (_name, bytes) => {
    using peer = await open();
    peer.send(bytes);

    const answer = await peer.next();

    expect([answer?.type, ...(answer?.body ?? [])]).toEqual([pduTypes.abort, 0, 0, 0, 0]);
    await peer.closed();
    await expectEcho();
  });

  it.each<[string, Buffer, number]>([
    ['a second association request', associateRequest(), 2],
    [
      'data for a context that was not accepted',
      dataPdu(9, echoCommand, { isCommand: true, isLast: true }),
      6,
    ],
    ['P-DATA without a data value', encodePdu(pduTypes.data, Buffer.alloc(0)), 6],
    ['a PDU of a type there is not', header(0x42, 4), 1],
    ['a P-DATA that claims 4 GiB', header(pduTypes.data, 0xffffffff), 6],
    ['an abort of a wrong length', header(pduTypes.releaseRequest, 5), 6],
    ['a data value longer than its PDU', encodePdu(pduTypes.data, Buffer.of(0, 0, 1, 0, 1, 3, 0)), 6],
    ['a data set without a command', dataPdu(1, Buffer.alloc(10), { isCommand: false, isLast: true }), 6],
    [
      'a command that is no command set',
      dataPdu(1, Buffer.alloc(9, 7), { isCommand: true, isLast: true }),
      6,
    ],
    [
      'a command without end',
      Buffer.concat(
        Array.from({ length: 20 }, () => dataPdu(1, Buffer.alloc(2_000), { isCommand: true, isLast: false })),
      ),
      6,
    ],
  ])('aborts %s within an association, and goes on serving', async (_name, bytes, reason) => {
    using peer = await associated();
    peer.send(bytes);

    const answer = await peer.next();

    expect([answer?.type, ...(answer?.body ?? [])]).toEqual([pduTypes.abort, 0, 0, 2, reason]);
    await peer.closed();
    await expectEcho();
  });

  it.each<[string, Proposal, number[]]>([
    ['another called AE title', { called: 'OTHER' }, [1, 1, 7]],
    ['another application context', { applicationContext: '1.2.3' }, [1, 1, 2]],
    ['another protocol version', { protocolVersion: 2 }, [1, 2, 2]],
  ])('rejects %s', async (_name, proposal, verdict) => {
    using peer = await open();
    peer.send(associateRequest(proposal));

    const answer = await peer.next();

    expect([answer?.type, ...(answer?.body.subarray(1) ?? [])]).toEqual([
      pduTypes.associateReject,
      ...verdict,
    ]);
    await peer.closed();
    await expectEcho();
  });

  it('rejects one association more than its limit, and takes it when another has ended', async () => {
    const peers = [await associated(), await associated(), await associated()];
    using late = await open();
    late.send(associateRequest());

    const answer = await late.next();

    expect([answer?.type, ...(answer?.body.subarray(1) ?? [])]).toEqual([pduTypes.associateReject, 2, 3, 2]);
    peers[0]?.send(encodePdu(pduTypes.releaseRequest, Buffer.alloc(4)));
    expect((await peers[0]?.next())?.type).toBe(pduTypes.releaseResponse);
    await peers[0]?.closed();
    await expectEcho();
    for (const peer of peers) peer[Symbol.dispose]();
  });

  it('closes a connection that asks for nothing', async () => {
    using peer = await open();

    expect(await peer.next()).toBeUndefined();
    await peer.closed();
  });

  it('takes PDUs that come byte by byte', async () => {
    using peer = await open();
    for (const byte of associateRequest()) peer.send(Buffer.of(byte));
    expect((await peer.next())?.type).toBe(pduTypes.associateAccept);

    for (const byte of dataPdu(1, echoCommand, { isCommand: true, isLast: true })) peer.send(Buffer.of(byte));

    expect(statusOf(await peer.next())).toBe(0);
  });

  it('answers 0211 to an operation that it does not know, and reads on after its data set', async () => {
    using peer = await associated();
    const find = commandSet({ 0x0002: '1.2.840.10008.1.1', 0x0100: 0x0020, 0x0110: 3, 0x0800: 1 });
    peer.send(dataPdu(1, find, { isCommand: true, isLast: true }));
    peer.send(dataPdu(1, Buffer.alloc(100), { isCommand: false, isLast: true }));
    expect(statusOf(await peer.next())).toBe(0x0211);

    peer.send(dataPdu(1, echoCommand, { isCommand: true, isLast: true }));

    expect(statusOf(await peer.next())).toBe(0);
  });

  it('ignores a cancel of nothing', async () => {
    using peer = await associated();
    peer.send(
      dataPdu(1, commandSet({ 0x0100: 0x0fff, 0x0120: 3, 0x0800: 0x0101 }), {
        isCommand: true,
        isLast: true,
      }),
    );

    peer.send(dataPdu(1, echoCommand, { isCommand: true, isLast: true }));

    expect(statusOf(await peer.next())).toBe(0);
  });

  it('leaves nothing behind of an object whose sender goes away', async () => {
    const { dataSet, meta } = await readDicomFile(dataPath('ct-chest/041.dcm'));
    {
      using peer = await associated({ contexts: [ctContext] });
      peer.send(dataPdu(1, storeCommand(1, ct, meta.sopInstanceUID), { isCommand: true, isLast: true }));
      for (let at = 0; at < 2_000_000; at += 50_000)
        peer.send(dataPdu(1, dataSet.subarray(0, 50_000), { isCommand: false, isLast: false }));
      await expect.poll(async () => readdir(join(storage.directory, 'incoming'))).toHaveLength(1);
      peer.send(encodePdu(pduTypes.abort, Buffer.alloc(4)));
    }

    await expect.poll(async () => readdir(join(storage.directory, 'incoming'))).toEqual([]);
    await expectEcho();
  });

  it.each<[string, number, { change?: (dataSet: Buffer) => Buffer; names?: Record<string, string> }]>([
    ['an object cut off within its pixels', 0xc000, { change: (dataSet) => dataSet.subarray(0, 50_000) }],
    ['an object of zeros', 0xc000, { change: () => Buffer.alloc(5_000) }],
    ['an empty data set', 0xc000, { change: () => Buffer.alloc(0) }],
    ['sequences nested 20 000 deep', 0xc000, { change: () => nested(20_000) }],
    ['another SOP Instance UID than the object has', 0x0117, { names: { sopInstanceUID: '1.2.3' } }],
    ['a SOP Instance UID that is none', 0x0117, { names: { sopInstanceUID: '../../etc' } }],
    ['a SOP class that the context is not for', 0x0122, { names: { sopClassUID: '1.2.3' } }],
  ])('refuses %s and takes the next object of the association', async (_name, status, { change, names }) => {
    const { dataSet, meta } = await readDicomFile(dataPath('ct-chest/041.dcm'));
    using peer = await associated({ contexts: [ctContext] });
    sendObject(peer, 1, { ...meta, ...names, dataSet: change?.(dataSet) ?? dataSet });
    expect(statusOf(await peer.next())).toBe(status);

    sendObject(peer, 2, { ...meta, dataSet });

    expect(statusOf(await peer.next())).toBe(0);
  });

  it('refuses an object of another SOP class than its command says', async () => {
    const { dataSet, meta } = await readDicomFile(dataPath('ct-chest/041.dcm'));
    const mr = '1.2.840.10008.5.1.4.1.1.4';
    using peer = await associated({ contexts: [{ ...ctContext, abstractSyntax: mr }] });

    sendObject(peer, 1, { sopClassUID: mr, sopInstanceUID: meta.sopInstanceUID, dataSet });

    expect(statusOf(await peer.next())).toBe(0xa900);
  });

  it('accepts storage of any kind, and no query of who is not listed for it', async () => {
    using peer = await open();
    const transferSyntaxes = ['1.2.3.4', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2'];
    const contexts = ['1.2.840.10008.5.1.4.1.1.7', '1.3.12.2.1107.5.9.1', '1.2.840.10008.5.1.4.1.2.2.1'].map(
      (abstractSyntax, index) => ({ id: index * 2 + 1, abstractSyntax, transferSyntaxes }),
    );
    peer.send(
      associateRequest({ contexts: [...contexts, { ...ctContext, id: 7, transferSyntaxes: ['1.2.3.4'] }] }),
    );

    const body = (await peer.next())?.body ?? Buffer.alloc(0);

    expect(contextResults(body)).toEqual([
      [1, 0, '1.2.840.10008.1.2.1'],
      [3, 0, '1.2.840.10008.1.2.1'],
      [5, 1, ''],
      [7, 4, ''],
    ]);
  });
});

/** Sequences without end, each in an item of the one before. */
function nested(depth: number): Buffer {
  const sequence = Buffer.from('0800401153510000fffffffffeff00e0ffffffff', 'hex');
  return Buffer.concat(Array.from({ length: depth }, () => sequence));
}

function contextResults(body: Buffer): [id: number, result: number, transferSyntax: string][] {
  const results: [number, number, string][] = [];
  for (let at = 68; at < body.length; at += 4 + body.readUInt16BE(at + 2))
    if (body[at] === 0x21)
      results.push([
        body.readUInt8(at + 4),
        body.readUInt8(at + 6),
        body.toString('latin1', at + 12, at + 12 + body.readUInt16BE(at + 10)),
      ]);
  return results;
}

describe('actionFor', () => {
  it('takes data and releases only within an association, and nothing after its end', () => {
    const types = Object.values(pduTypes);
    expect(types.map((type) => actionFor('awaiting-association', type))).toEqual([
      'negotiate',
      ...Array.from({ length: 5 }, () => 'abort-unexpected'),
      'end',
    ]);
    expect(types.map((type) => actionFor('associated', type))).toEqual([
      'abort-unexpected',
      'abort-unexpected',
      'abort-unexpected',
      'take-data',
      'answer-release',
      'abort-unexpected',
      'end',
    ]);
    expect(new Set(types.map((type) => actionFor('ended', type)))).toEqual(new Set(['ignore']));
  });
});
