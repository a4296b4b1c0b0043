import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '@medusa/kernel/free-ports';
import { dcmtk } from '../testing/dcmtk.ts';
import { dataPath, filesOf, readDicomFile, splitFile, type DicomFile } from '../testing/files.ts';
import { startArchive, type Archive } from '../testing/orthanc.ts';
import { objectsIn } from '../testing/peers.ts';
import { peerFiles } from '../testing/pki.ts';
import { startQrscp } from '../testing/qrscp.ts';
import { partsOf, startTestNode, type TestNode } from '../testing/test-node.ts';
import { openCertificateStore } from '../tls/certificate-store.ts';

const patience = { timeout: 30_000 };
const accept = { accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' };

let parts: AsyncDisposableStack;
let folder: string;
let peerPort: number;
let nodePort: number;
beforeEach(async () => {
  parts = new AsyncDisposableStack();
  folder = await mkdtemp(join(tmpdir(), 'real-peers-'));
  parts.defer(async () => rm(folder, { recursive: true, force: true }));
  [peerPort, nodePort] = [await freePort(), await freePort()];
});
afterEach(async () => parts.disposeAsync());

/** What the node holds of a study, by SOP Instance UID. */
async function heldOf(node: TestNode, study: string): Promise<Map<string, DicomFile>> {
  const answer = await node.ask(`/dicomweb/studies/${study}`, { headers: accept });
  if (answer.status !== 200) return new Map();
  return new Map(
    partsOf(answer)
      .map(({ bytes }) => splitFile(bytes))
      .map((file) => [file.meta.sopInstanceUID, file]),
  );
}

async function studiesOf(node: TestNode): Promise<Map<string, string>> {
  const found = JSON.parse((await node.ask('/dicomweb/studies')).body.toString()) as Record<
    string,
    { Value?: string[] }
  >[];
  return new Map(
    found.map((study) => [study['00080020']?.Value?.[0] ?? '', study['0020000D']?.Value?.[0] ?? '']),
  );
}

/** Copies of one slice in studies of their own, of the same patient. */
async function earlierStudies(dates: readonly string[]): Promise<string[]> {
  return Promise.all(
    dates.map(async (date) => {
      const path = join(folder, `${date}.dcm`);
      await copyFile(dataPath('ts-matrix/ct_explicit_le.dcm'), path);
      const changes = ['-nb', '-gst', '-gse', '-gin', '-m', `StudyDate=${date}`];
      expect(await dcmtk('dcmodify', ...changes, path)).toMatchObject({ code: 0 });
      return path;
    }),
  );
}

/** Each data set of `files` is held as it is there. */
async function expectSame(held: ReadonlyMap<string, DicomFile>, files: readonly string[]): Promise<void> {
  expect(held.size).toBe(files.length);
  for (const file of files) {
    const { meta, dataSet } = await readDicomFile(file);
    const kept = held.get(meta.sopInstanceUID);
    expect(kept?.meta.transferSyntaxUID).toBe(meta.transferSyntaxUID);
    expect(kept?.dataSet.equals(dataSet)).toBe(true);
  }
}

describe('dcmqrscp as an archive', () => {
  const start = async (rest: Record<string, unknown> = {}): Promise<TestNode> => {
    const registry = join(folder, 'registry.json');
    const archive = { host: '127.0.0.1', port: peerPort, tls: 'off', may: ['store', 'query', 'retrieve'] };
    await writeFile(registry, JSON.stringify({ entities: { ARCHIVE: archive }, ...rest }));
    return parts.use(await startTestNode({ registry, dicomPort: nodePort }));
  };
  const send = async (port: number, called: string, files: readonly string[]): Promise<void> => {
    const sent = await dcmtk('dcmsend', '-aec', called, '127.0.0.1', String(port), ...files);
    expect(sent).toMatchObject({ code: 0 });
  };

  it.each(['move', 'get'])(
    'is queried, and has priors retrieved from it by %s, byte for byte',
    async (by) => {
      // With C-GET it need not be able to call us.
      const knownPort = by === 'get' ? await freePort() : nodePort;
      const archive = parts.use(await startQrscp({ dicom: peerPort, node: knownPort }));
      await send(peerPort, 'ARCHIVE', await earlierStudies(['19960101', '19970101', '19980101']));
      const node = await start({ priors: { all: { from: 'ARCHIVE', most: 2, by } } });

      await send(nodePort, 'MEDUSA', (await filesOf('ct-chest')).slice(0, 1));

      await expect
        .poll(async () => [...(await studiesOf(node)).keys()].sort(), patience)
        .toEqual(['19970101', '19980101', '20000101']);
      const prior = (await studiesOf(node)).get('19980101') ?? '';
      const [inArchive] = [...(await objectsIn(archive.area))].filter(([, { dataSet }]) =>
        dataSet.includes(prior),
      );
      const held = await heldOf(node, prior);
      expect([...held.keys()]).toEqual([inArchive?.[0]]);
      expect(held.get(inArchive?.[0] ?? '')?.dataSet.equals(inArchive?.[1].dataSet ?? Buffer.alloc(0))).toBe(
        true,
      );
    },
  );

  it('has a study moved to it, which it then finds, and gets one', async () => {
    const archive = parts.use(await startQrscp({ dicom: peerPort, node: nodePort }, '+xt'));
    const files = (await filesOf('ct-chest')).slice(0, 12);
    await start();
    await send(nodePort, 'MEDUSA', files);
    const [study = ''] = await studiesAsked();
    const key = ['-S', '-k', 'QueryRetrieveLevel=STUDY', '-k', `StudyInstanceUID=${study}`];
    const asArchive = ['-aet', 'ARCHIVE', '-aec', 'MEDUSA', '127.0.0.1', String(nodePort)];

    const moved = await dcmtk('movescu', '-v', '-aem', 'ARCHIVE', ...key, ...asArchive);

    expect(moved.output).toMatch(/Final Move Response \(Success\)/);
    await expectSame(await objectsIn(archive.area), files);
    const asked = ['-v', ...key, '-k', 'NumberOfStudyRelatedInstances', '-k', 'PatientID'];
    const found = await dcmtk('findscu', ...asked, '-aec', 'ARCHIVE', '127.0.0.1', String(peerPort));
    expect(found.output).toContain('Find Response: 1 (Pending)');

    const got = await mkdtemp(join(folder, 'got-'));
    const answered = await dcmtk('getscu', '+xt', '-v', '+B', '-od', got, ...key, ...asArchive);
    expect(answered).toMatchObject({ code: 0 });
    await expectSame(await objectsIn(got), files);
  });

  /** As the archive asks, over DIMSE. */
  async function studiesAsked(): Promise<string[]> {
    const keys = ['-S', '-v', '-k', 'QueryRetrieveLevel=STUDY', '-k', 'StudyInstanceUID'];
    const { output } = await dcmtk(
      'findscu',
      ...keys,
      '-aet',
      'ARCHIVE',
      '-aec',
      'MEDUSA',
      '127.0.0.1',
      String(nodePort),
    );
    return [...output.matchAll(/\(0020,000d\) UI \[([\d.]+)\]/g)].map(([, uid]) => uid ?? '');
  }
});

describe('Orthanc over mutual TLS', () => {
  let node: TestNode;
  let archive: Archive;
  let tlsPort: number;
  const start = async (rest: Record<string, unknown>, signedBy = 'ours'): Promise<void> => {
    tlsPort = await freePort();
    const ours = await openCertificateStore(join(folder, 'pki'));
    await ours.ensureOwn('MEDUSA', ['127.0.0.1']);
    const signer = signedBy === 'ours' ? ours : await openCertificateStore(join(folder, 'foreign'));
    const certificates = await peerFiles(signer, folder, { title: 'ARCHIVE', trusting: ours });
    archive = parts.use(await startArchive({ dicom: peerPort, node: tlsPort }, certificates));
    const registry = join(folder, 'registry.json');
    const entities = {
      ARCHIVE: { host: '127.0.0.1', port: peerPort, may: ['store', 'query', 'retrieve', 'commit'] },
      MODALITY: { tls: 'off' },
    };
    await writeFile(registry, JSON.stringify({ entities, ...rest }));
    const settings = { dicomPort: nodePort, dicomTlsPort: tlsPort, dicomPki: join(folder, 'pki'), registry };
    node = parts.use(await startTestNode(settings));
  };
  const keep = async (files: readonly string[]): Promise<string[]> => {
    for (const file of files) await archive.store(await readFile(file));
    return (await archive.get('/instances')) as string[];
  };
  const push = async (): Promise<unknown> =>
    archive.post('/modalities/medusa/store', {
      ...{ Resources: await archive.get('/studies'), Synchronous: true },
    });
  const send = async (files: readonly string[]): Promise<void> => {
    const sent = await dcmtk(
      'dcmsend',
      ...['-aet', 'MODALITY', '-aec', 'MEDUSA', '127.0.0.1', String(nodePort)],
      ...files,
    );
    expect(sent).toMatchObject({ code: 0 });
  };

  it('pushes to the node, byte for byte', async () => {
    await start({});
    const files = (await filesOf('ct-chest')).slice(0, 12);
    await keep(files);

    expect(await push()).toMatchObject({ InstancesCount: 12, FailedInstancesCount: 0 });

    const [study = ''] = (await studiesOf(node)).values();
    await expectSame(await heldOf(node, study), files);
  });

  it('has studies forwarded to it, and commits what it pushed', async () => {
    await start({ forward: { all: { to: 'ARCHIVE', from: ['MODALITY'] } } });
    const files = (await filesOf('ct-chest')).slice(0, 6);

    await send(files);

    await expect.poll(async () => archive.get('/instances'), patience).toHaveLength(6);
    const [first = ''] = files;
    const { meta } = await readDicomFile(first);
    const { ID } = (await archive.post('/modalities/medusa/storage-commitment', {
      DicomInstances: [{ SOPClassUID: meta.sopClassUID, SOPInstanceUID: meta.sopInstanceUID }],
    })) as { ID: string };
    await expect
      .poll(async () => archive.get(`/storage-commitment/${ID}`), patience)
      .toMatchObject({ Status: 'Success' });
  });

  it.each(['move', 'get'])('is queried, and has priors retrieved from it by %s', async (by) => {
    await start({ priors: { all: { from: 'ARCHIVE', most: 1, by } } });
    const paths = await earlierStudies(['19970101', '19980101']);
    await keep(paths);

    await send((await filesOf('ct-chest')).slice(0, 1));

    await expect
      .poll(async () => [...(await studiesOf(node)).keys()].sort(), patience)
      .toEqual(['19980101', '20000101']);
    await expectSame(await heldOf(node, (await studiesOf(node)).get('19980101') ?? ''), paths.slice(1));
  });

  it('finds a study in the node, and has it moved to itself', async () => {
    await start({});
    await send((await filesOf('ct-chest')).slice(0, 6));
    const query = { Level: 'Study', Query: { PatientID: 'LIDC-IDRI-0314' } };
    const { ID } = (await archive.post('/modalities/medusa/query', query)) as { ID: string };
    expect(await archive.get(`/queries/${ID}/answers`)).toEqual(['0']);

    await archive.post(`/queries/${ID}/answers/0/retrieve`, { TargetAet: 'ARCHIVE', Synchronous: true });

    await expect.poll(async () => archive.get('/instances'), patience).toHaveLength(6);
  });

  it('with a certificate that nobody trusted signed neither comes in nor is called', async () => {
    await start({ forward: { all: { to: 'ARCHIVE' } } }, 'a stranger');
    const files = (await filesOf('ct-chest')).slice(0, 2);
    await keep(files.slice(0, 1));

    await expect(push()).rejects.toThrow(/Orthanc answered/);
    await send(files.slice(1));

    const waiting = async (): Promise<string> =>
      /^medusa_storage_jobs_waiting (.*)$/m.exec(
        (await node.ask('/metrics', { token: null })).body.toString(),
      )?.[1] ?? '';
    await expect.poll(waiting, patience).toBe('1');
    expect(await archive.get('/instances')).toHaveLength(1);
    const [study = ''] = (await studiesOf(node)).values();
    expect((await heldOf(node, study)).size).toBe(1);
  });
});
