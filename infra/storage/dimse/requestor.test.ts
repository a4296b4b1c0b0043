import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';

import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '@medusa/kernel/free-ports';
import type { Entity } from '../entities/registry.ts';
import { filesOf, readDicomFile } from '../testing/files.ts';
import { objectsIn, startStorescp } from '../testing/peers.ts';
import { peerFiles } from '../testing/pki.ts';
import { store } from '../testing/scu.ts';
import { startTestNode } from '../testing/test-node.ts';
import { openCertificateStore, type CertificateStore } from '../tls/certificate-store.ts';
import { TrustFolder } from '../tls/trust.ts';
import { encodeAssociateAccept } from './associate.ts';
import { encodeCommand } from './command.ts';
import { encodeAbort, encodeData, encodePdu, encodeReject, pduTypes, rejections } from './pdu.ts';
import { requestAssociation } from './requestor.ts';

const contexts = [{ id: 1, abstractSyntax: '1.2.840.10008.1.1', transferSyntaxes: ['1.2.840.10008.1.2'] }];
const caller = { callingTitle: 'MEDUSA', times: { artimMs: 500, idleMs: 500 }, trust: undefined };
const noRequest = {
  ...{ protocolVersion: 1, calledTitle: '', callingTitle: '', applicationContext: '', contexts: [] },
  user: { mostPduBytes: 0, asyncWindow: undefined, roles: [], extended: new Map<string, Buffer>() },
};
const off: Entity = { tls: 'off', certificates: [], may: [], sopClasses: [] };

type Change = { readonly which: number; readonly at: number; readonly byte: number };

function changed(bytes: Buffer, changes: readonly Change[], which: number): Buffer {
  const copy = Buffer.from(bytes);
  for (const { at, byte } of changes.filter((change) => change.which === which))
    copy.writeUInt8(byte, at % copy.length);
  return copy;
}

describe('asking for an association', () => {
  let server: Server;
  let answer: (socket: Socket) => void;
  let port: number;
  beforeAll(async () => {
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => answer(socket));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(async () => {
    server.close();
    await once(server, 'close');
  });

  it.each<[string, (socket: Socket) => void, string | RegExp]>([
    ['says no', (socket) => socket.write(encodeReject(rejections.calledTitle)), 'source 1, reason 7'],
    ['aborts', (socket) => socket.write(encodeAbort(0)), 'aborted by the peer'],
    ['hangs up', (socket) => socket.destroy(), /closed|ECONNRESET/],
    ['says nothing', () => undefined, /closed|over/],
    ['answers another protocol', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), 'PDU'],
    [
      'accepts with a PDU that is too short',
      (socket) => socket.write(encodePdu(pduTypes.associateAccept, Buffer.alloc(10))),
      'too short',
    ],
    [
      'sends data before it accepted',
      (socket) => socket.write(encodeData({ contextId: 1, isCommand: true, isLast: true }, Buffer.alloc(10))),
      'unexpected PDU',
    ],
    ['claims a PDU of 4 GiB', (socket) => socket.write(Buffer.from('0400ffffffff', 'hex')), 'out of bounds'],
  ])('ends with a reason when the peer %s', async (_name, misbehave, reason) => {
    answer = misbehave;
    const entity = { ...off, host: '127.0.0.1', port };

    await expect(requestAssociation(caller, { title: 'PEER', entity, contexts })).rejects.toThrow(reason);
  });

  it('comes to an end with a peer of whose words any were changed', async () => {
    const echo = { affectedSopClassUID: '1.2.840.10008.1.1', field: 0x0030 };
    const response = encodeCommand({ ...echo, field: 0x8030, respondedTo: 1, status: 0 }, false);
    const words = [
      encodeAssociateAccept(
        { ...noRequest, titles: Buffer.alloc(64) },
        [{ id: 1, result: 'accepted', transferSyntax: '1.2.840.10008.1.2' }],
        {},
      ),
      encodeData({ contextId: 1, isCommand: true, isLast: true }, response),
    ] as const;
    const hasty = { ...caller, times: { artimMs: 100, idleMs: 100 } };
    const talk = async (): Promise<number | undefined> => {
      const entity = { ...off, host: '127.0.0.1', port };
      await using association = await requestAssociation(hasty, { title: 'PEER', entity, contexts });
      for await (const { command } of association.exchange.invoke(1, echo)) return command.status;
      return undefined;
    };
    const said = (changes: readonly Change[]): void => {
      const [first, second] = [changed(words[0], changes, 0), changed(words[1], changes, 1)];
      answer = (socket) => {
        socket.write(first);
        socket.once('data', () => socket.end(second));
      };
    };
    said([]);
    expect(await talk()).toBe(0);

    const change = fc.record({ which: fc.nat(1), at: fc.nat(), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        said(changes);
        const outcome = await talk().catch((error: unknown) => error);
        expect(outcome instanceof Error || typeof outcome === 'number').toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('needs an address, and certificates where TLS is required', async () => {
    await expect(requestAssociation(caller, { title: 'PEER', entity: off, contexts })).rejects.toThrow(
      'address is not known',
    );
    const entity: Entity = { ...off, tls: 'required', host: '127.0.0.1', port };
    await expect(requestAssociation(caller, { title: 'PEER', entity, contexts })).rejects.toThrow(
      'no certificates',
    );
  });
});

describe('DICOM over TLS towards others', () => {
  let folder: string;
  let ours: CertificateStore;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tls-out-'));
    ours = await openCertificateStore(join(folder, 'pki'));
    await ours.ensureOwn('MEDUSA', ['127.0.0.1']);
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));

  it('forwards to a storescp that wants certificates', async () => {
    const port = await freePort();
    const { options } = await peerFiles(ours, folder, { title: 'SINK' });
    await using sink = await startStorescp(port, ...options, '+xa');
    const registry = join(folder, 'registry.json');
    const entities = { SINK: { host: '127.0.0.1', port }, TESTER: { tls: 'off' } };
    await writeFile(registry, JSON.stringify({ entities, forward: { all: { to: 'SINK' } } }));
    await using storage = await startTestNode({ dicomPki: join(folder, 'pki'), registry });
    const { meta, dataSet } = await readDicomFile((await filesOf('ct-chest'))[0] ?? '');

    expect(await store(storage.node.dicomPort, { ...meta, dataSet })).toBe(0);

    await expect
      .poll(async () => (await objectsIn(sink.folder)).get(meta.sopInstanceUID)?.dataSet.equals(dataSet), {
        timeout: 20_000,
      })
      .toBe(true);
  });

  it.each<[string, string, boolean]>([
    ['the certificate of another title', 'OTHER', false],
    ['a certificate that nobody trusted signed', 'SINK', true],
  ])('does not talk to %s', async (_name, title, isForeign) => {
    const port = await freePort();
    const signer = isForeign ? await openCertificateStore(join(folder, 'foreign')) : ours;
    const { options } = await peerFiles(signer, folder, { title, trusting: ours });
    await using sink = await startStorescp(port, ...options);
    const trust = new TrustFolder(join(folder, 'pki'));
    const entity: Entity = { ...off, tls: 'required', host: '127.0.0.1', port };
    const secure = {
      ...caller,
      times: { artimMs: 5_000, idleMs: 5_000 },
      trust: async () => trust.current(),
    };

    const asked = requestAssociation(secure, { title: 'SINK', entity, contexts });

    await expect(asked).rejects.toThrow(isForeign ? 'no connection' : 'certificate of another title');
    expect((await objectsIn(sink.folder)).size).toBe(0);
  });
});
