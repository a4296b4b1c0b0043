import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDataSet } from '../dicom/data-set-writer.ts';
import { itemsOf, numberOf } from '../dicom/dicom-json.ts';
import { readIdentifier } from '../dicom/identifier.ts';
import { encodeCommand, parseCommand } from '../dimse/command.ts';
import { encodePdu, parseData, pduTypes } from '../dimse/pdu.ts';
import { storageCommitment } from '../dimse/services.ts';
import { craftedObject, element, windowsProgram } from '../testing/crafted.ts';
import { filesOf, readDicomFile, type DicomFile } from '../testing/files.ts';
import { associateRequest, connectPeer, dataPdu, statusOf, store, type RawPeer } from '../testing/scu.ts';
import { startTestNode, type TestNode } from '../testing/test-node.ts';

const wellKnown = '1.2.840.10008.1.20.1.1';

describe('storage commitment', () => {
  let folder: string;
  let storage: TestNode;
  let slices: DicomFile[];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'commitment-'));
    const file = join(folder, 'registry.json');
    // No address: it is told on the association on which it asked.
    await writeFile(file, JSON.stringify({ entities: { CART: { tls: 'off', may: ['store', 'commit'] } } }));
    storage = await startTestNode({ registry: file });
    slices = await Promise.all((await filesOf('ct-chest')).slice(0, 2).map(readDicomFile));
    for (const { meta, dataSet } of slices)
      expect(await store(storage.node.dicomPort, { ...meta, dataSet })).toBe(0);
  });
  afterAll(async () => {
    await storage[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const associated = async (): Promise<RawPeer> => {
    const peer = await connectPeer(storage.node.dicomPort);
    const contexts = [{ id: 1, abstractSyntax: storageCommitment, transferSyntaxes: ['1.2.840.10008.1.2'] }];
    peer.send(associateRequest({ calling: 'CART', contexts }));
    expect((await peer.next())?.type).toBe(pduTypes.associateAccept);
    return peer;
  };
  const action = (given: { instance?: string; type?: number; body: Buffer }): Buffer =>
    Buffer.concat([
      dataPdu(
        1,
        encodeCommand(
          {
            requestedSopClassUID: storageCommitment,
            field: 0x0130,
            messageId: 1,
            requestedSopInstanceUID: given.instance ?? wellKnown,
            actionTypeId: given.type ?? 1,
          },
          true,
        ),
        { isCommand: true, isLast: true },
      ),
      dataPdu(1, given.body, { isCommand: false, isLast: true }),
    ]);
  const request = (transaction: string, instances: readonly (readonly [string, string])[]): Buffer =>
    writeDataSet(
      {
        '00081195': { vr: 'UI', Value: [transaction] },
        '00081199': {
          vr: 'SQ',
          Value: instances.map(([sopClass, instance]) => ({
            '00081150': { vr: 'UI', Value: [sopClass] },
            '00081155': { vr: 'UI', Value: [instance] },
          })),
        },
      },
      { isExplicit: false, characterSet: '' },
    );
  const named = ({ meta }: DicomFile): [string, string] => [meta.sopClassUID, meta.sopInstanceUID];

  /** What the next PDU carries of a message. */
  const nextBytes = async (peer: RawPeer): Promise<Buffer> => {
    const pdu = await peer.next();
    const [value] = pdu ? parseData(pdu.body) : [];
    return value?.bytes ?? Buffer.alloc(0);
  };

  it('reports on the same association to who has no address, and says of each why not', async () => {
    using peer = await associated();
    const [first, second] = slices.map(named) as [[string, string], [string, string]];
    const objects = await readdir(join(storage.directory, 'objects'), { recursive: true });
    expect(objects.filter((name) => name.endsWith('.dcm'))).toHaveLength(2);
    peer.send(
      action({ body: request('1.2.3.4', [first, ['1.2.840.10008.5.1.4.1.1.4', second[1]], ['1.2', '1.9']]) }),
    );

    expect(statusOf(await peer.next())).toBe(0);
    const told = parseCommand(await nextBytes(peer));
    expect(told).toMatchObject({ field: 0x0100, eventTypeId: 2, affectedSopInstanceUID: wellKnown });
    const { attributes } = readIdentifier(await nextBytes(peer), false);
    expect(itemsOf(attributes, '00081198').map((item) => numberOf(item, '00081197'))).toEqual([
      0x0119, 0x0112,
    ]);
    expect(attributes['00081199']?.Value).toHaveLength(1);

    const answer = { field: 0x8100, respondedTo: told.messageId, status: 0, eventTypeId: 2 };
    peer.send(dataPdu(1, encodeCommand(answer, false), { isCommand: true, isLast: true }));
    peer.send(encodePdu(pduTypes.releaseRequest, Buffer.alloc(4)));
    expect((await peer.next())?.type).toBe(pduTypes.releaseResponse);
    await expect
      .poll(async () => (await storage.ask('/metrics', { token: null })).body.toString())
      .toContain('medusa_storage_jobs_waiting 0');
  });

  it.each<[string, number, Parameters<typeof action>[0]]>([
    ['an action there is not', 0x0123, { type: 2, body: Buffer.alloc(0) }],
    ['another instance', 0x0112, { instance: '1.2.3', body: Buffer.alloc(0) }],
    ['a request without instances', 0x0115, { body: Buffer.alloc(0) }],
    ['what is no data set', 0x0115, { body: Buffer.alloc(100, 0xee) }],
  ])('refuses %s', async (_name, status, given) => {
    using peer = await associated();
    const body = given.body.length > 0 ? given.body : request('1.2.3', []);

    peer.send(action({ ...given, body }));

    expect(statusOf(await peer.next())).toBe(status);
  });

  it('does not commit to an object in quarantine', async () => {
    const more = [element('00291010', 'UN', windowsProgram())];
    const carrier = craftedObject({ more });
    const sent = { ...carrier.meta, dataSet: carrier.dataSet };
    expect(await store(storage.node.dicomPort, sent)).toBe(0xc101);
    using peer = await associated();

    peer.send(action({ body: request('1.2.3.6', [named(carrier)]) }));

    expect(statusOf(await peer.next())).toBe(0);
    await peer.next();
    const { attributes } = readIdentifier(await nextBytes(peer), false);
    expect(itemsOf(attributes, '00081198').map((item) => numberOf(item, '00081197'))).toEqual([0x0112]);
    expect(attributes['00081199']).toBeUndefined();
  });

  it('does not commit to an object whose bytes are no longer those that came', async () => {
    using peer = await associated();
    const objects = await readdir(join(storage.directory, 'objects'), { recursive: true });
    for (const name of objects.filter((path) => path.endsWith('.dcm')))
      await truncate(join(storage.directory, 'objects', name), 10_000);

    peer.send(action({ body: request('1.2.3.5', slices.map(named)) }));

    expect(statusOf(await peer.next())).toBe(0);
    await peer.next();
    const { attributes } = readIdentifier(await nextBytes(peer), false);
    expect(attributes['00081198']?.Value).toHaveLength(2);
    expect(attributes['00081199']).toBeUndefined();
  });
});
