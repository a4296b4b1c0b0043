import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { quarantineListSchema, type QuarantineList } from '@medusa/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '@medusa/kernel/free-ports';
import { startScanner, type ScannerStandIn } from '../testing/clamd.ts';
import { craftedObject } from '../testing/crafted.ts';
import { store } from '../testing/scu.ts';
import { startTestNode, type TestNode } from '../testing/test-node.ts';
import { parseScannerAddress } from './scanner.ts';

describe('a malware scanner', () => {
  let resources = new AsyncDisposableStack();
  afterEach(async () => {
    await resources.disposeAsync();
    resources = new AsyncDisposableStack();
  });
  const scanner = async (answer: () => string | undefined, port = 0): Promise<ScannerStandIn> =>
    resources.use(await startScanner(answer, port));
  const node = async (port: number, settings: Parameters<typeof startTestNode>[0] = {}): Promise<TestNode> =>
    resources.use(await startTestNode({ clamd: `tcp://127.0.0.1:${port}`, rescanMs: 100, ...settings }));
  const send = async ({ node: { dicomPort } }: TestNode, number = 1): Promise<number | undefined> => {
    const { meta, dataSet } = craftedObject({ number });
    return store(dicomPort, { ...meta, dataSet });
  };
  const quarantine = async (storage: TestNode): Promise<QuarantineList> => {
    const token = await storage.token({ permission: 'admin' });
    return quarantineListSchema.parse(
      JSON.parse((await storage.ask('/quarantine', { token })).body.toString()),
    );
  };
  const instances = async (storage: TestNode): Promise<number> => {
    const { body } = await storage.ask('/healthz', { token: null });
    return (JSON.parse(body.toString()) as { instances: number }).instances;
  };

  it('is given the whole file, and what it finds clean is stored', async () => {
    const { port, seen } = await scanner(() => 'stream: OK');
    const storage = await node(port);

    expect(await send(storage)).toBe(0);

    const [file] = seen;
    expect(file?.toString('latin1', 128, 132)).toBe('DICM');
    expect(file?.includes(craftedObject().dataSet)).toBe(true);
    expect(await instances(storage)).toBe(1);
  });

  it('keeps what it finds infected in quarantine, by name', async () => {
    const { port } = await scanner(() => 'stream: Win.Test.EICAR_HDB-1 FOUND');
    const storage = await node(port);

    expect(await send(storage)).toBe(0xc101);

    expect((await quarantine(storage)).objects).toMatchObject([
      { reason: 'infected: Win.Test.EICAR_HDB-1', state: 'held' },
    ]);
    expect(await instances(storage)).toBe(0);
  });

  it('that is away has objects held until it was asked, and then they are stored by themselves', async () => {
    const port = await freePort();
    const storage = await node(port);
    expect([await send(storage, 1), await send(storage, 2)]).toEqual([0xc101, 0xc101]);
    expect((await quarantine(storage)).objects).toMatchObject([
      { state: 'waiting', reason: 'not scanned: ECONNREFUSED' },
      { state: 'waiting' },
    ]);

    await scanner(() => 'stream: OK', port);

    await expect.poll(async () => instances(storage)).toBe(2);
    await expect.poll(async () => (await quarantine(storage)).total).toBe(0);
    expect(await readdir(join(storage.directory, 'quarantine'))).toEqual([]);
    expect(await send(storage, 1)).toBe(0);
  });

  it('holds for good what it finds infected later', async () => {
    const port = await freePort();
    const storage = await node(port);
    await send(storage);

    await scanner(() => 'stream: Late.Signature FOUND', port);

    await expect
      .poll(async () => (await quarantine(storage)).objects)
      .toMatchObject([{ state: 'held', reason: 'infected: Late.Signature' }]);
    expect(await instances(storage)).toBe(0);
  });

  it('that is silent is waited for no longer than was said', async () => {
    const { port } = await scanner(() => undefined);
    const storage = await node(port, { clamdMs: 300 });

    expect(await send(storage)).toBe(0xc101);

    expect((await quarantine(storage)).objects).toMatchObject([{ state: 'waiting' }]);
  });

  it('that takes no object of this size says so', async () => {
    const { port } = await scanner(() => 'INSTREAM size limit exceeded. ERROR');
    const storage = await node(port);

    await send(storage);

    expect((await quarantine(storage)).objects).toMatchObject([
      { reason: 'not scanned: longer than the scanner takes' },
    ]);
  });

  it('that is away stops nothing when the site says so', async () => {
    const storage = await node(await freePort(), { unscanned: 'accept' });

    expect(await send(storage)).toBe(0);

    expect(await instances(storage)).toBe(1);
    expect((await quarantine(storage)).total).toBe(0);
  });
});

describe('the address of a scanner', () => {
  it.each([
    ['unix:/run/clamav/clamd.ctl', { path: '/run/clamav/clamd.ctl' }],
    ['tcp://scanner.local:3310', { host: 'scanner.local', port: 3310 }],
    ['tcp://[::1]:3310', { host: '::1', port: 3310 }],
    ['http://127.0.0.1:3310', undefined],
    ['3310', undefined],
  ])('%s', (address, parsed) => {
    expect(parseScannerAddress(address)).toEqual(parsed);
  });
});
