import { accessRecordSchema, type AccessRecord } from '@medusa/protocol';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '@medusa/kernel/free-ports';
import { z } from 'zod';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAccessLog } from './access-log.ts';
import { dcmtk } from '../testing/dcmtk.ts';
import { dataPath, readDicomFile } from '../testing/files.ts';
import { startStorescp } from '../testing/peers.ts';
import { store } from '../testing/scu.ts';
import { startTestNode, type TestNode } from '../testing/test-node.ts';

type Answer = (ack: unknown) => void;

describe('who queries, retrieves and stores', () => {
  const suite = new AsyncDisposableStack();
  const told: AccessRecord[] = [];
  let isRefusing = false;
  let storage: TestNode;
  let study: string;

  beforeAll(async () => {
    const http = createServer();
    const io = new Server(http, { transports: ['websocket'] });
    suite.defer(async () => io.close());
    io.of('/node').on('connection', (socket: Socket) => {
      socket.on('storage.register', (_registration: unknown, answer: Answer) =>
        answer({ ok: true, value: { sinceChange: 0 } }),
      );
      socket.on('study.changed', (_studies: unknown, answer: Answer) => answer({ ok: true, value: null }));
      socket.on('access.noted', (records: unknown, answer: Answer) => {
        const problem = { type: 'x', title: 'x', status: 500, code: 'internal', retry: true };
        if (!isRefusing) told.push(...z.array(accessRecordSchema).parse(records));
        answer(isRefusing ? { ok: false, problem } : { ok: true, value: null });
      });
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const folder = await mkdtemp(join(tmpdir(), 'access-'));
    suite.defer(async () => rm(folder, { recursive: true, force: true }));
    const storePort = await freePort();
    suite.use(await startStorescp(storePort));
    const may = ['store', 'query', 'retrieve'];
    const entities = {
      WORKSTATION: { tls: 'off', may },
      TESTER: { tls: 'off' },
      SINK: { tls: 'off', host: '127.0.0.1', port: storePort },
    };
    await writeFile(join(folder, 'registry.json'), JSON.stringify({ unlisted: 'refused', entities }));
    storage = suite.use(
      await startTestNode({
        brokerUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
        registry: join(folder, 'registry.json'),
      }),
    );
    const { meta, dataSet } = await readDicomFile(dataPath('ts-matrix/ct_explicit_le.dcm'));
    expect(await store(storage.node.dicomPort, { ...meta, dataSet })).toBe(0);
    const found = await storage.ask('/dicomweb/studies');
    const [first] = JSON.parse(found.body.toString()) as Record<string, { Value: string[] }>[];
    study = first?.['0020000D']?.Value[0] ?? '';
  });
  beforeEach(() => {
    isRefusing = false;
    told.length = 0;
  });
  afterAll(async () => suite.disposeAsync());

  const scu = async (program: string, ...options: string[]): Promise<unknown> =>
    dcmtk(
      program,
      ...['-aet', 'WORKSTATION', '-aec', 'MEDUSA'],
      ...options,
      ...['127.0.0.1', String(storage.node.dicomPort)],
    );
  const toldOf = async (service: AccessRecord['service'], count = 1): Promise<AccessRecord[]> =>
    expect
      .poll(() => told.filter((record) => record.service === service), { timeout: 20_000 })
      .toSatisfy((records: AccessRecord[]) => records.length >= count)
      .then(() => told.filter((record) => record.service === service));

  it('C-FIND: by what, and how much was found', async () => {
    await scu(
      'findscu',
      '-S',
      '-k',
      'QueryRetrieveLevel=STUDY',
      '-k',
      'PatientName=*',
      '-k',
      'StudyInstanceUID',
    );

    expect(await toldOf('C-FIND')).toMatchObject([
      {
        kind: 'query',
        outcome: 'success',
        requestor: { id: 'WORKSTATION', address: expect.stringContaining('127.0.0.1') as unknown },
        level: 'STUDY',
        query: expect.stringContaining('"00100010":"*"') as unknown,
        objects: 1,
        times: 1,
        status: '0000',
      },
    ]);
  });

  it('C-MOVE: of which studies, and to whom', async () => {
    const keys = ['-k', 'QueryRetrieveLevel=STUDY', '-k', `StudyInstanceUID=${study}`];
    await scu('movescu', '-S', '-aem', 'SINK', ...keys);
    await scu('movescu', '-S', '-aem', 'NOBODY', ...keys);

    const [moved, refused] = await toldOf('C-MOVE', 2);
    expect(moved).toMatchObject({
      kind: 'retrieve',
      outcome: 'success',
      destination: { id: 'SINK', address: '127.0.0.1' },
      studies: [study],
      objects: 1,
    });
    expect(refused).toMatchObject({ outcome: 'refused', destination: { id: 'NOBODY' }, status: 'A801' });
  });

  it('C-GET: of which studies', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'access-get-'));
    suite.defer(async () => rm(folder, { recursive: true, force: true }));
    await scu(
      'getscu',
      '-S',
      '-od',
      folder,
      '-k',
      'QueryRetrieveLevel=STUDY',
      '-k',
      `StudyInstanceUID=${study}`,
    );

    expect(await toldOf('C-GET')).toMatchObject([{ outcome: 'success', studies: [study], objects: 1 }]);
  });

  it('DICOMweb: each search and each storing, and readings of a study together', async () => {
    await storage.ask('/dicomweb/studies?PatientID=nobody');
    for (let turn = 0; turn < 3; turn += 1) await storage.ask(`/dicomweb/studies/${study}/metadata`);
    const other = await storage.token({ study: '1.2.3', permission: 'read' });
    await storage.ask(`/dicomweb/studies/${study}/metadata`, { token: other });
    await storage.ask('/dicomweb/studies', { method: 'POST', body: Buffer.from('x') });

    expect(await toldOf('QIDO-RS')).toMatchObject([
      { kind: 'query', requestor: { id: 'tester' }, query: '{"PatientID":"nobody"}', objects: 0 },
    ]);
    expect(await toldOf('STOW-RS')).toMatchObject([{ kind: 'store', outcome: 'failure', status: '400' }]);
    expect(await toldOf('WADO-RS', 2)).toMatchObject([
      { kind: 'retrieve', outcome: 'success', studies: [study], times: 3 },
      { kind: 'retrieve', outcome: 'refused', studies: [study], times: 1, status: '403' },
    ]);
  });

  it('and who was not let in', async () => {
    for (let turn = 0; turn < 2; turn += 1)
      await dcmtk(
        'echoscu',
        '-aet',
        'STRANGER',
        '-aec',
        'MEDUSA',
        '127.0.0.1',
        String(storage.node.dicomPort),
      );

    expect(await toldOf('association')).toMatchObject([
      {
        kind: 'refusal',
        outcome: 'refused',
        requestor: { id: 'STRANGER' },
        times: 2,
        status: 'not in the registry',
      },
    ]);
  });

  it('and who came to the web services without a token for them', async () => {
    const token = await storage.token({ study: '*', permission: 'read' });
    for (let turn = 0; turn < 3; turn += 1) await storage.ask('/dicomweb/studies', { token: null });
    await storage.ask('/dicomweb/studies', { token: `${token}x` });
    await storage.ask('/quarantine', { token });

    const records = await toldOf('HTTPS', 3);
    expect(records).toHaveLength(3);
    expect(records).toMatchObject([
      { kind: 'refusal', requestor: { id: 'unknown' }, times: 3, status: 'A study token is needed' },
      { kind: 'refusal', requestor: { id: 'unknown' }, times: 1, status: 'The study token is not valid' },
      { kind: 'refusal', requestor: { id: 'tester' }, status: 'The token is not for the quarantine' },
    ]);
    expect(records.every(({ outcome, requestor }) => outcome === 'refused' && requestor.address !== '')).toBe(
      true,
    );
  });

  it('is kept until the broker has taken it, over a restart', async () => {
    isRefusing = true;
    await storage.ask('/dicomweb/series?Modality=CT');
    await storage.restart();
    isRefusing = false;

    expect(await toldOf('QIDO-RS')).toMatchObject([{ query: '{"Modality":"CT"}', level: 'series' }]);
    await expect
      .poll(async () => (await storage.ask('/metrics', { token: null })).body.toString())
      .toContain('medusa_storage_accesses_untold 0');
  });
});

it('a record that was under way when the process ended is told as not ended', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'access-log-'));
  const path = join(folder, 'access.sqlite');
  const options = { now: () => new Date(), report: () => undefined };
  const requestor = { id: 'CT', address: '' };
  const first = openAccessLog(path, options);
  first.begin({ kind: 'query', service: 'C-FIND', requestor });
  expect(first.untold(10)).toEqual([]);
  first[Symbol.dispose]();

  using second = openAccessLog(path, options);
  expect(second.untold(10)).toMatchObject([{ outcome: 'failure', status: 'not ended' }]);
  second.told(second.untold(10));
  expect(second.total()).toBe(0);
  await rm(folder, { recursive: true, force: true });
});
