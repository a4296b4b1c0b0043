import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseFileMeta } from '../dicom/file-meta.ts';
import { dcmtk } from '../testing/dcmtk.ts';
import { dataPath, filesOf, readDicomFile, splitFile } from '../testing/files.ts';
import { partsOf, startTestNode, type TestNode } from '../testing/test-node.ts';

const accept = { accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' };

describe('DCMTK as the peer of the storage node', () => {
  let storage: TestNode;
  let peer: string[];
  beforeAll(async () => {
    storage = await startTestNode();
    peer = ['-aec', 'MEDUSA', '127.0.0.1', String(storage.node.dicomPort)];
  });
  afterAll(async () => storage[Symbol.asyncDispose]());

  const totals = async (): Promise<unknown> =>
    JSON.parse((await storage.ask('/healthz', { token: null })).body.toString()) as unknown;

  it('answers an echo', async () => {
    expect(await dcmtk('echoscu', ...peer)).toMatchObject({ code: 0 });
  });

  it('keeps the data sets of four associations at once byte for byte', async () => {
    const files = await filesOf('ct-chest');
    const quarter = Math.ceil(files.length / 4);

    const sent = await Promise.all(
      [0, 1, 2, 3].map(async (index) =>
        dcmtk('storescu', '-xt', ...peer, ...files.slice(index * quarter, (index + 1) * quarter)),
      ),
    );

    expect(sent.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    const [first] = files;
    const { sopInstanceUID } = (await readDicomFile(first ?? '')).meta;
    const studies = JSON.parse(
      (await storage.ask(`/dicomweb/instances?SOPInstanceUID=${sopInstanceUID}`)).body.toString(),
    ) as Record<string, { Value: string[] }>[];
    const study = studies[0]?.['0020000D']?.Value[0] ?? '';
    const answer = await storage.ask(`/dicomweb/studies/${study}`, { headers: accept });
    const stored = new Map(
      partsOf(answer).map(({ bytes }) => [parseFileMeta(bytes)?.sopInstanceUID, splitFile(bytes)] as const),
    );
    expect(stored.size).toBe(files.length);
    for (const file of files) {
      const { meta, dataSet } = await readDicomFile(file);
      const kept = stored.get(meta.sopInstanceUID);
      expect(kept?.meta.transferSyntaxUID).toBe(meta.transferSyntaxUID);
      expect(kept?.dataSet.equals(dataSet)).toBe(true);
    }
  });

  it('answers success to the same objects again, and changes nothing', async () => {
    const before = await totals();

    const sent = await dcmtk('dcmsend', '--scan-directories', ...peer, dataPath('ct-chest'));

    expect(sent).toMatchObject({ code: 0 });
    expect(await totals()).toEqual(before);
  });
});
