import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Sender } from '../../fuzz/sender.ts';
import { element, smallObject, text, uids } from '../../fuzz/wire.ts';
import { startStorageNode, type StorageNode } from '../../support/storage-node.ts';
import { requirePackages, startPeer, type Peer } from '../support/peer.ts';

const missing = requirePackages('clamav-daemon', 'clamdscan');
const eicar = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', '-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('');

let peer: Peer;
const exported = (name: string): string => peer.exports[name] ?? '';

describe.skipIf(missing !== undefined)('ClamAV', () => {
  let node: StorageNode | undefined;
  beforeAll(async () => {
    peer = await startPeer('clamav');
  });
  afterEach(async () => {
    await node?.[Symbol.asyncDispose]();
    node = undefined;
  });
  afterAll(async () => peer[Symbol.asyncDispose]());

  const send = async (to: StorageNode, content: string, padding = 0): Promise<number | undefined> => {
    await using sender = await Sender.open(to.port);
    const { sopClass, sopInstance, dataSet } = smallObject;
    const bytes = Buffer.concat([
      dataSet,
      element(0x00291010, 'UN', Buffer.concat([text(content), Buffer.alloc(padding)])),
    ]);
    return await sender.store({
      name: '',
      sopClass,
      sopInstance,
      transferSyntax: uids.explicit,
      dataSet: bytes,
    });
  };

  it.each<[string, () => string]>([
    ['over its unix socket', () => `unix:${exported('CLAMD_SOCKET')}`],
    ['over TCP', () => `tcp://127.0.0.1:${exported('CLAMD_PORT')}`],
  ])('%s lets what is clean in and keeps what it knows in quarantine', async (_name, address) => {
    node = await startStorageNode({ environment: { MEDUSA_CLAMD: address() } });

    expect(await send(node, 'nothing of interest')).toBe(0x0000);
    expect(await send(node, `before ${eicar} after`)).toBe(0xc101);
    expect(await send(node, 'medusa-peer-test-signature')).toBe(0xc101);

    expect(node.objects()).toHaveLength(1);
    expect(node.quarantined()).toBe(2);
    expect(node.fault()).toBeUndefined();
  });

  it('holds what is longer than it takes', async () => {
    node = await startStorageNode({
      environment: { MEDUSA_CLAMD: `unix:${exported('CLAMD_SOCKET')}` },
    });

    expect(await send(node, 'long', 12 * 1024 * 1024)).toBe(0xc101);

    expect(node.objects()).toHaveLength(0);
    expect(node.fault()).toBeUndefined();
  });
});
