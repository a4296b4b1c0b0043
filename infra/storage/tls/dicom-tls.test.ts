import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dcmtk, type ProgramResult } from '../testing/dcmtk.ts';
import { filesOf, readDicomFile, splitFile } from '../testing/files.ts';
import { peerFiles, revoke, type PeerFiles } from '../testing/pki.ts';
import { partsOf, startTestNode, type TestNode } from '../testing/test-node.ts';
import { openCertificateStore, type CertificateStore } from './certificate-store.ts';

const run = promisify(execFile);

describe('DICOM over TLS', () => {
  let folder: string;
  let storage: TestNode;
  let store: CertificateStore;
  let modality: PeerFiles;
  let registry: (entities: Record<string, unknown>, rest?: Record<string, unknown>) => Promise<void>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dicom-tls-'));
    const file = join(folder, 'registry.json');
    registry = async (entities, rest = {}) => writeFile(file, JSON.stringify({ ...rest, entities }));
    await registry({ PLAIN: { tls: 'off' }, MODALITY: {} });
    const pki = join(folder, 'pki');
    storage = await startTestNode({ dicomTlsPort: 0, dicomPki: pki, registry: file });
    store = await openCertificateStore(pki);
    modality = await peerFiles(store, folder, { title: 'MODALITY' });
  });
  afterAll(async () => {
    await storage[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const peer = (title: string): string[] => [
    '-aet',
    title,
    '-aec',
    'MEDUSA',
    '127.0.0.1',
    String(storage.node.dicomTlsPort),
  ];
  const echo = async (title: string, { options }: PeerFiles, ...more: string[]): Promise<ProgramResult> =>
    dcmtk('echoscu', '-to', '10', ...options, ...more, ...peer(title));
  const plainEcho = async (title: string): Promise<ProgramResult> =>
    dcmtk('echoscu', '-aet', title, '-aec', 'MEDUSA', '127.0.0.1', String(storage.node.dicomPort));

  it('keeps what DCMTK sends over mutual TLS byte for byte', async () => {
    const files = (await filesOf('ct-chest')).slice(0, 10);

    const sent = await dcmtk('storescu', '-xt', ...modality.options, ...peer('MODALITY'), ...files);

    expect(sent).toMatchObject({ code: 0 });
    const { meta, dataSet } = await readDicomFile(files[0] ?? '');
    const [found] = JSON.parse(
      (await storage.ask(`/dicomweb/instances?SOPInstanceUID=${meta.sopInstanceUID}`)).body.toString(),
    ) as Record<string, { Value: string[] }>[];
    const [part] = partsOf(await storage.ask(new URL(found?.['00081190']?.Value[0] ?? '').pathname));
    expect(splitFile(part?.bytes ?? Buffer.alloc(0)).dataSet.equals(dataSet)).toBe(true);
  });

  it('admits a title only with its own certificate', async () => {
    const other = await peerFiles(store, folder, { title: 'OTHER' });

    expect(await echo('MODALITY', modality)).toMatchObject({ code: 0 });
    expect((await echo('MODALITY', other)).output).toContain('Calling AE Title Not Recognized');
    expect((await echo('UNLISTED', modality)).output).toContain('Calling AE Title Not Recognized');
  });

  it('takes the fingerprint of the registry instead of the common name', async () => {
    const cart = await peerFiles(store, folder, { title: 'any name' });
    await registry({ CART: { certificates: [{ fingerprint256: cart.fingerprint256 }] }, MODALITY: {} });

    expect(await echo('CART', cart)).toMatchObject({ code: 0 });
    expect((await echo('CART', modality)).output).toContain('Calling AE Title Not Recognized');
    await registry({ PLAIN: { tls: 'off' }, MODALITY: {} });
  });

  it('refuses plaintext of a title that must come over TLS, and of all when told so', async () => {
    expect(await plainEcho('PLAIN')).toMatchObject({ code: 0 });
    expect((await plainEcho('MODALITY')).output).toContain('Calling AE Title Not Recognized');
    await using strict = await startTestNode({ dicomTlsPort: 0, plaintext: 'off' });
    expect(strict.node.dicomPort).toBe(strict.node.dicomTlsPort);
    const refused = await dcmtk('echoscu', '-aec', 'MEDUSA', '127.0.0.1', String(strict.node.dicomPort));
    expect(refused.code).not.toBe(0);
  });

  it('refuses a certificate that nobody trusted signed, that has ended, or none', async () => {
    const foreign = await openCertificateStore(join(folder, 'foreign'));
    const rogue = await peerFiles(foreign, folder, { title: 'MODALITY', trusting: store });
    const ended = await peerFiles(store, folder, { title: 'MODALITY', days: -0.1 });

    expect((await echo('MODALITY', rogue)).code).not.toBe(0);
    expect((await echo('MODALITY', ended)).code).not.toBe(0);
    const anonymous = ['+tla', '-ic', ...peer('MODALITY')];
    expect((await dcmtk('echoscu', ...anonymous)).code).not.toBe(0);
    expect(await echo('MODALITY', modality)).toMatchObject({ code: 0 });
    const metrics = (await storage.ask('/metrics', { token: null })).body.toString();
    expect(metrics).toMatch(/medusa_storage_associations_refused_total [1-9]/);
    expect(metrics).toMatch(/medusa_storage_dicom_certificate_seconds 7\d{7}/);
  });

  it('refuses a certificate from the moment it is revoked', async () => {
    const stolen = await peerFiles(store, folder, { title: 'MODALITY' });
    expect(await echo('MODALITY', stolen)).toMatchObject({ code: 0 });

    await revoke(store, stolen);

    expect((await echo('MODALITY', stolen)).code).not.toBe(0);
    expect(await echo('MODALITY', modality)).toMatchObject({ code: 0 });
  });

  it('comes back from a restart with the same certificate', async () => {
    await using again = await startTestNode({ dicomTlsPort: 0 });
    const own = async (): Promise<string> => readFile(join(again.directory, 'dicom-pki', 'node.pem'), 'utf8');
    const before = await own();

    await again.restart();

    expect(await own()).toBe(before);
    expect(again.node.dicomTlsPort).toBeGreaterThan(0);
  });

  it('takes the authority of the site, and a certificate that it signed, while it runs', async () => {
    await using hospital = await startTestNode({ dicomTlsPort: 0 });
    const pki = join(hospital.directory, 'dicom-pki');
    const site = await openCertificateStore(join(folder, 'site'));
    const theirs = await peerFiles(site, folder, { title: 'MODALITY' });
    const { certificate, key = '', authorities } = await site.issue('MEDUSA', { hosts: [] });
    const there = ['-aet', 'MODALITY', '-aec', 'MEDUSA', '127.0.0.1', String(hospital.node.dicomTlsPort)];
    const asked = async (): Promise<number> =>
      (await dcmtk('echoscu', '-to', '10', ...theirs.options, ...there)).code;
    expect(await asked()).not.toBe(0);

    await writeFile(join(pki, 'trusted', 'site.pem'), authorities);
    await writeFile(join(pki, 'site.pem'), `${certificate}\n${key}`);

    await expect.poll(asked, { timeout: 15_000 }).toBe(0);
  });

  it.each(['-tls1', '-tls1_1'])('does not speak %s', async (version) => {
    const asked = run('openssl', [
      's_client',
      version,
      '-cipher',
      'ALL:@SECLEVEL=0',
      '-connect',
      `127.0.0.1:${storage.node.dicomTlsPort ?? 0}`,
    ]);
    asked.child.stdin?.end();

    await expect(asked).rejects.toMatchObject({ code: 1 });
  });

  it('closes a connection that never shakes hands', async () => {
    await using hasty = await startTestNode({ dicomTlsPort: 0, artimMs: 200 });
    const socket = connect(hasty.node.dicomTlsPort ?? 0, '127.0.0.1');
    socket.on('error', () => undefined);

    await new Promise((resolve) => socket.once('close', resolve));

    expect(socket.destroyed).toBe(true);
  });

  it('changes authorities without cutting anybody off', async () => {
    const second = await store.addAuthority();
    // Peers learn of the new authority while everything is still signed by the old one.
    const taught = await peerFiles(store, folder, { title: 'MODALITY' });
    await store.promote(second);
    await store.ensureOwn('MEDUSA', ['localhost', '127.0.0.1']);
    const renewed = await peerFiles(store, folder, { title: 'MODALITY' });

    await expect.poll(async () => (await echo('MODALITY', modality)).code, { timeout: 10_000 }).not.toBe(0);
    expect(await echo('MODALITY', taught)).toMatchObject({ code: 0 });
    expect(await echo('MODALITY', renewed)).toMatchObject({ code: 0 });
    await expect(store.retire(second)).rejects.toThrow('promote another one first');

    await store.retire('1');

    await expect.poll(async () => (await echo('MODALITY', taught)).code, { timeout: 10_000 }).not.toBe(0);
    expect(await echo('MODALITY', renewed)).toMatchObject({ code: 0 });
  });

  it('issues by the command line, also for a key that stays where it is', async () => {
    const program = fileURLToPath(new URL('../dicom-ca.ts', import.meta.url));
    const key = join(folder, 'own.key.pem');
    const request = join(folder, 'own.csr');
    await run('openssl', [
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      key,
      '-out',
      request,
      '-subj',
      '/CN=x',
    ]);
    const out = join(folder, 'own');

    const issued = await run(process.execPath, [
      program,
      join(folder, 'pki'),
      ...['issue', 'MODALITY', '--out', out, '--request', request],
    ]);

    expect(issued.stdout.trim()).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    const options = ['+tls', key, join(out, 'certificate.pem'), '+cf', join(out, 'authorities.pem')];
    expect(await dcmtk('echoscu', ...options, ...peer('MODALITY'))).toMatchObject({ code: 0 });
  });
});
