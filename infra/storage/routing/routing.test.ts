import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '@medusa/kernel/free-ports';
import { dcmtk } from '../testing/dcmtk.ts';
import { dataPath, filesOf, readDicomFile, type DicomFile } from '../testing/files.ts';
import { startArchive } from '../testing/orthanc.ts';
import { objectsIn, startStorescp } from '../testing/peers.ts';
import { store } from '../testing/scu.ts';
import { startTestNode, type TestNode } from '../testing/test-node.ts';

const patience = { timeout: 30_000 };

describe('routing', () => {
  let parts: AsyncDisposableStack;
  let folder: string;
  let registryFile: string;
  let peerPort: number;
  let nodePort: number;
  beforeEach(async () => {
    parts = new AsyncDisposableStack();
    folder = await mkdtemp(join(tmpdir(), 'routing-'));
    parts.defer(async () => rm(folder, { recursive: true, force: true }));
    registryFile = join(folder, 'registry.json');
    peerPort = await freePort();
    nodePort = await freePort();
  });
  afterEach(async () => parts.disposeAsync());

  const register = async (rest: Record<string, unknown>, port = peerPort): Promise<void> => {
    const here = { host: '127.0.0.1', port, tls: 'off', may: ['store', 'commit'] };
    await writeFile(registryFile, JSON.stringify({ entities: { SINK: here, ARCHIVE: here }, ...rest }));
  };
  const start = async (rest: Record<string, unknown>): Promise<TestNode> => {
    await register(rest);
    return parts.use(await startTestNode({ registry: registryFile, dicomPort: nodePort }));
  };
  const slices = async (count: number): Promise<DicomFile[]> =>
    Promise.all((await filesOf('ct-chest')).slice(0, count).map(readDicomFile));
  const send = async (objects: readonly DicomFile[]): Promise<void> => {
    for (const { meta, dataSet } of objects) expect(await store(nodePort, { ...meta, dataSet })).toBe(0);
  };
  const gauge = async (node: TestNode, name: string): Promise<number> => {
    const metrics = (await node.ask('/metrics', { token: null })).body.toString();
    return Number(new RegExp(`^medusa_storage_${name} (.*)$`, 'm').exec(metrics)?.[1]);
  };
  /** A copy of one slice in a study of its own, of the same patient. */
  const otherStudy = async (date: string): Promise<string> => {
    const path = join(folder, `${date}.dcm`);
    await copyFile(dataPath('ts-matrix/ct_explicit_le.dcm'), path);
    const changed = await dcmtk('dcmodify', '-nb', '-gst', '-gse', '-gin', '-m', `StudyDate=${date}`, path);
    expect(changed).toMatchObject({ code: 0 });
    return path;
  };
  const studies = async (node: TestNode): Promise<string[]> => {
    const found = JSON.parse((await node.ask('/dicomweb/studies')).body.toString()) as Record<
      string,
      { Value?: string[] }
    >[];
    return found.map((study) => study['00080020']?.Value?.[0] ?? '');
  };

  it('forwards what came while the other end was away, also after a restart, byte for byte and once', async () => {
    const node = await start({ forward: { all: { to: 'SINK', modalities: ['CT'] } } });
    const objects = await slices(5);
    await send(objects);
    await expect.poll(async () => gauge(node, 'jobs_waiting')).toBe(5);

    await node.restart();
    const sink = parts.use(await startStorescp(peerPort, '+xa'));

    await expect.poll(async () => gauge(node, 'jobs_waiting'), patience).toBe(0);
    const arrived = await objectsIn(sink.folder);
    expect(arrived.size).toBe(5);
    for (const { meta, dataSet } of objects)
      expect(arrived.get(meta.sopInstanceUID)?.dataSet.equals(dataSet)).toBe(true);
    expect(await gauge(node, 'jobs_failed')).toBe(0);
  });

  it('forwards by sender and modality, and gives up what is not taken there', async () => {
    const forward = {
      other: { to: 'SINK', from: ['SOMEBODY'] },
      mr: { to: 'SINK', modalities: ['MR'] },
      plain: { to: 'ARCHIVE', from: ['TESTER'] },
    };
    const node = await start({ forward });
    const sink = parts.use(await startStorescp(peerPort, '+xi'));

    await send(await slices(2));

    await expect.poll(async () => gauge(node, 'jobs_failed'), patience).toBe(2);
    expect(await gauge(node, 'jobs_waiting')).toBe(0);
    expect((await objectsIn(sink.folder)).size).toBe(0);
  });

  it('fetches the newest priors from Orthanc when a study arrives, and none for those', async () => {
    const archive = parts.use(await startArchive({ dicom: peerPort, node: nodePort }));
    for (const date of ['19960101', '19970101', '19980101'])
      await archive.store(await readFile(await otherStudy(date)));
    const node = await start({ priors: { all: { from: 'ARCHIVE', most: 2 } } });

    await send(await slices(1));

    await expect
      .poll(async () => (await studies(node)).sort(), patience)
      .toEqual(['19970101', '19980101', '20000101']);
    await expect.poll(async () => gauge(node, 'jobs_waiting'), patience).toBe(0);
    expect(await studies(node)).toHaveLength(3);
  });

  it('commits to Orthanc what lies here, and nothing else', async () => {
    const archive = parts.use(await startArchive({ dicom: peerPort, node: nodePort }));
    await start({});
    const objects = await slices(3);
    await send(objects);
    const ask = async (names: Record<string, string>[]): Promise<string> =>
      (
        (await archive.post('/modalities/medusa/storage-commitment', { DicomInstances: names })) as {
          ID: string;
        }
      ).ID;
    const known = objects.map(({ meta }) => ({
      SOPClassUID: meta.sopClassUID,
      SOPInstanceUID: meta.sopInstanceUID,
    }));
    const unknown = { SOPClassUID: '1.2.840.10008.5.1.4.1.1.2', SOPInstanceUID: '1.2.3' };
    const report = async (id: string): Promise<unknown> => archive.get(`/storage-commitment/${id}`);

    const whole = await ask(known);
    const partial = await ask([...known, unknown]);

    await expect.poll(async () => report(whole), patience).toMatchObject({ Status: 'Success' });
    await expect
      .poll(async () => report(partial), patience)
      .toMatchObject({
        Status: 'Failure',
        Failures: [{ SOPInstanceUID: '1.2.3', FailureReason: 0x0112 }],
      });
  });

  it('keeps a report over a restart until it can be told', async () => {
    const archive = parts.use(await startArchive({ dicom: peerPort, node: nodePort }));
    const node = await start({});
    await register({}, await freePort());
    const [slice] = await slices(1);
    await send(slice ? [slice] : []);
    const names = [{ SOPClassUID: slice?.meta.sopClassUID, SOPInstanceUID: slice?.meta.sopInstanceUID }];
    const { ID } = (await archive.post('/modalities/medusa/storage-commitment', {
      DicomInstances: names,
    })) as {
      ID: string;
    };
    await expect.poll(async () => gauge(node, 'jobs_waiting')).toBe(1);

    await node.restart();
    await register({});

    await expect
      .poll(async () => archive.get(`/storage-commitment/${ID}`), patience)
      .toMatchObject({ Status: 'Success' });
    await expect.poll(async () => gauge(node, 'jobs_waiting')).toBe(0);
  });
});
