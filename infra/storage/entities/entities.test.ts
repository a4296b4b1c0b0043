import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '@medusa/kernel/free-ports';
import { startEntityBrokerEnd, type EntityBrokerEnd } from '../testing/broker-end.ts';
import { dcmtk } from '../testing/dcmtk.ts';
import { dataPath, filesOf } from '../testing/files.ts';
import { startArchive, type Archive } from '../testing/orthanc.ts';
import { startStorescp } from '../testing/peers.ts';
import { peerFiles } from '../testing/pki.ts';
import { startTestNode, type TestNode } from '../testing/test-node.ts';
import { openCertificateStore } from '../tls/certificate-store.ts';

const file = dataPath('ts-matrix/ct_explicit_le.dcm');
const waiting = { timeout: 20_000 };

describe('application entities that the broker tells of', () => {
  const suite = new AsyncDisposableStack();
  let broker: EntityBrokerEnd;
  let storage: TestNode;
  let archive: Archive;
  let archivePort: number;
  let pki: string;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'entities-'));
    suite.defer(async () => rm(folder, { recursive: true, force: true }));
    pki = join(folder, 'pki');
    broker = suite.use(await startEntityBrokerEnd());
    const dicomPort = await freePort();
    storage = suite.use(
      await startTestNode({ brokerUrl: broker.url, dicomPort, dicomTlsPort: 0, dicomPki: pki, probeMs: 300 }),
    );
    archivePort = await freePort();
    archive = suite.use(await startArchive({ dicom: archivePort, node: dicomPort }));
    await vi.waitFor(() => expect(broker.heartbeat()).toBeDefined(), waiting);
  });
  afterAll(async () => suite.disposeAsync());

  const send = async (title: string): Promise<string> =>
    (
      await dcmtk(
        'storescu',
        ...['-v', '-aet', title, '-aec', 'MEDUSA', '127.0.0.1', String(storage.node.dicomPort), file],
      )
    ).output;

  it('are asked by C-ECHO, and what comes of it is told in words', async () => {
    const nobody = await freePort();
    await broker.tell({
      ARCHIVE: { host: '127.0.0.1', port: archivePort, tls: 'off' },
      OTHER: { host: '127.0.0.1', port: archivePort, tls: 'off' },
      GONE: { host: '127.0.0.1', port: nobody, tls: 'off' },
      SECURE: { host: '127.0.0.1', port: archivePort, tls: 'required' },
      QUIET: { host: '127.0.0.1', port: nobody, tls: 'off', isProbed: false },
    });

    await expect.poll(() => broker.seen('ARCHIVE')?.echo?.isReachable, waiting).toBe(true);
    await expect.poll(() => broker.seen('GONE')?.failures, waiting).toBeGreaterThan(1);
    expect(broker.seen('QUIET')).toBeUndefined();
    expect(await broker.echo('ARCHIVE')).toMatchObject({
      isReachable: true,
      words: 'It answers, without TLS',
    });
    expect(await broker.echo('GONE')).toMatchObject({
      isReachable: false,
      words: 'Nothing listens at that address and port (connection refused)',
    });
    expect((await broker.echo('SECURE')).isReachable).toBe(false);
    await expect(broker.echo('NOBODY')).rejects.toThrow('entity.unknown');
  });

  it('may what they may from the next association on, without a restart and after one', async () => {
    await broker.tell({}, { unlisted: 'refused' });
    expect(await send('CT_1')).toContain('Calling AE Title Not Recognized');
    await expect.poll(() => broker.seen('CT_1')?.lastRefusal, waiting).toBe('not in the registry');

    await broker.tell({ CT_1: { tls: 'required' } }, { unlisted: 'refused' });
    expect(await send('CT_1')).toContain('Calling AE Title Not Recognized');
    await expect.poll(() => broker.seen('CT_1')?.lastRefusal, waiting).toBe('plaintext');

    await broker.tell({ CT_1: { tls: 'off' } }, { unlisted: 'refused' });
    expect(await send('CT_1')).toContain('Received Store Response (Success)');
    await expect.poll(() => broker.seen('CT_1'), waiting).toMatchObject({ receivedObjects: 1 });
    expect(broker.seen('CT_1')?.bytesToday).toBeGreaterThan(1_000);

    await storage.restart();
    expect(await send('CT_2')).toContain('Calling AE Title Not Recognized');
    expect(await send('CT_1')).toContain('Received Store Response (Success)');
    await expect.poll(() => broker.seen('CT_1')?.receivedObjects, waiting).toBe(1);
    expect(broker.heartbeat()?.registryRevision).toBeGreaterThan(3);
  });

  it('store what SOP classes they may, and as much as they may in a day', async () => {
    await broker.tell({ CT_3: { tls: 'off', sopClasses: ['1.2.840.10008.5.1.4.1.1.4'] } });
    expect(await send('CT_3')).toMatch(/No presentation context/i);

    await broker.tell({ CT_3: { tls: 'off', mostGiBPerDay: 0.000_001 } });
    expect(await send('CT_3')).toContain('Received Store Response (Success)');
    expect(await send('CT_3')).toMatch(/OutOfResources/);
    await expect
      .poll(() => broker.seen('CT_3')?.lastRefusal, waiting)
      .toBe('more than it may store in a day');
  });

  it('have what they send go on to another one', async () => {
    await broker.tell({
      ARCHIVE: { host: '127.0.0.1', port: archivePort, tls: 'off' },
      CT_4: { tls: 'off', forwardTo: ['ARCHIVE'] },
    });
    const [other = ''] = await filesOf('charset');
    const { output } = await dcmtk(
      'storescu',
      ...['-v', '-aet', 'CT_4', '-aec', 'MEDUSA', '127.0.0.1', String(storage.node.dicomPort), other],
    );
    expect(output).toContain('Received Store Response (Success)');

    await expect.poll(async () => archive.get('/instances'), { timeout: 40_000 }).toHaveLength(1);
  });

  it('are known by their certificates, and when these end', async () => {
    const store = await openCertificateStore(pki);
    const folder = await mkdtemp(join(tmpdir(), 'entities-tls-'));
    suite.defer(async () => rm(folder, { recursive: true, force: true }));
    const port = await freePort();
    const certificate = await peerFiles(store, folder, { title: 'SAFE', days: 5 });
    suite.use(await startStorescp(port, ...certificate.options));
    await broker.tell({
      SAFE: { host: '127.0.0.1', port, fingerprints: [certificate.fingerprint256] },
      UNBOUND: { host: '127.0.0.1', port, fingerprints: ['00'.repeat(32)] },
    });

    expect(await broker.echo('SAFE')).toMatchObject({ isReachable: true, words: 'It answers, over TLS' });
    expect(await broker.echo('UNBOUND')).toMatchObject({
      isReachable: false,
      words: 'Its certificate is not that of this AE title',
    });
    await expect
      .poll(() => Date.parse(broker.seen('SAFE')?.certificateEndsAt ?? '') - Date.now(), waiting)
      .toBeLessThan(5 * 86_400_000);
  });
});
