import { PNG } from 'pngjs';
import { generateKeyPair, SignJWT } from 'jose';
import jpeg from 'jpeg-js';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dcmtk } from '../testing/dcmtk.ts';
import { dataPath, filesOf, readDicomFile, splitFile, type DicomFile } from '../testing/files.ts';
import { partsOf, startTestNode, type HttpAnswer, type TestNode } from '../testing/test-node.ts';

type Json = Record<string, { vr: string; Value?: unknown[] } | undefined>;
const json = ({ body }: HttpAnswer): Json[] => JSON.parse(body.toString()) as Json[];

describe('DICOMweb', () => {
  let storage: TestNode;
  let slice: DicomFile;
  let study: string;
  let series: string;
  let instance: string;
  beforeAll(async () => {
    storage = await startTestNode();
    const files = (await filesOf('ct-chest')).slice(0, 5);
    const sent = await dcmtk(
      'storescu',
      ...['-xt', '-aec', 'MEDUSA', '127.0.0.1', String(storage.node.dicomPort)],
      ...files,
      // In a study of its own, without pixels that matter.
      dataPath('charset/chrH32.dcm'),
    );
    expect(sent.code).toBe(0);
    slice = await readDicomFile(files[2] ?? '');
    const [found] = json(
      await storage.ask(`/dicomweb/instances?SOPInstanceUID=${slice.meta.sopInstanceUID}`),
    );
    study = `/dicomweb/studies/${String(found?.['0020000D']?.Value?.[0])}`;
    series = `${study}/series/${String(found?.['0020000E']?.Value?.[0])}`;
    instance = `${series}/instances/${slice.meta.sopInstanceUID}`;
  });
  afterAll(async () => storage[Symbol.asyncDispose]());
  const studyUID = (): string => study.slice('/dicomweb/studies/'.length);

  describe('access', () => {
    it('asks for a token', async () => {
      const answer = await storage.ask('/dicomweb/studies', { token: null });

      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
      expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'identity.required', status: 401 });
    });

    it('refuses a token of another signer, for another audience, out of date, and none at all', async () => {
      const stranger = await generateKeyPair('ES256');
      const foreign = await new SignJWT({ study: '*' })
        .setProtectedHeader({ alg: 'ES256', kid: 'test' })
        .setSubject('x')
        .setAudience('medusa-storage')
        .setExpirationTime('5m')
        .sign(stranger.privateKey);
      const tokens = [
        foreign,
        await storage.token({ study: 'no-uid' }),
        `${await storage.token()}x`,
        'eyJhbGciOiJub25lIn0.eyJzdHVkeSI6IioiLCJhdWQiOiJtZWR1c2Etc3RvcmFnZSJ9.',
      ];

      const answers = await Promise.all(
        tokens.map(async (token) => storage.ask('/dicomweb/studies', { token })),
      );

      expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    });

    it('shows the holder of a token for one study nothing of another', async () => {
      const own = await storage.token({ study: studyUID(), permission: 'read' });
      const other = await storage.token({ study: '1.2.3', permission: 'read' });

      expect(json(await storage.ask('/dicomweb/studies', { token: own }))).toHaveLength(1);
      expect(json(await storage.ask('/dicomweb/instances', { token: own }))).toHaveLength(5);
      expect((await storage.ask(`${instance}/frames/1`, { token: own })).status).toBe(200);
      expect(json(await storage.ask('/dicomweb/studies', { token: other }))).toEqual([]);
      for (const path of [study, `${study}/series`, `${series}/metadata`, instance, `${instance}/rendered`])
        expect((await storage.ask(path, { token: other })).status).toBe(403);
    });

    it('tells operators how it is without a token, and nothing of a patient', async () => {
      const health = await storage.ask('/healthz', { token: null });
      const metrics = await storage.ask('/metrics', { token: null });

      expect(JSON.parse(health.body.toString())).toMatchObject({ status: 'ok', studies: 2, instances: 6 });
      expect(metrics.body.toString()).toContain('medusa_storage_object_seconds_count{outcome="stored"} 6');
      expect(metrics.body.toString()).not.toContain(studyUID());
    });
  });

  describe('searches', () => {
    const found = async (query: string): Promise<number> =>
      json(await storage.ask(`/dicomweb/${query}`)).length;

    it('answer what the study, series and instances are', async () => {
      const [match] = json(await storage.ask(`/dicomweb/studies?StudyInstanceUID=${studyUID()}`));

      expect(match).toMatchObject({
        '00080061': { vr: 'CS', Value: ['CT'] },
        '00100020': { vr: 'LO', Value: ['LIDC-IDRI-0314'] },
        '00201206': { vr: 'IS', Value: [1] },
        '00201208': { vr: 'IS', Value: [5] },
        '00081190': {
          vr: 'UR',
          Value: [expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+\/dicomweb\/studies\//)],
        },
      });
      expect(json(await storage.ask(`${study}/series`))).toMatchObject([
        { '00080060': { Value: ['CT'] }, '00201209': { Value: [5] } },
      ]);
      expect(json(await storage.ask(`${series}/instances`))).toHaveLength(5);
    });

    it('match by wildcard, range, list and modality', async () => {
      const counts = {
        'studies?PatientID=LIDC*': 1,
        'studies?PatientID=lidc*': 0,
        'studies?PatientID=LIDC-IDRI-031%3F': 1,
        'studies?PatientName=yamada*': 0,
        'studies?PatientName=%E5%B1%B1%E7%94%B0*': 1,
        'studies?PatientName=*%E3%82%84%E3%81%BE%E3%81%A0%5E*': 1,
        'studies?StudyDate=19000101-20991231&PatientID=LIDC*': 1,
        'studies?StudyDate=20991231-': 0,
        'studies?ModalitiesInStudy=CT': 1,
        'studies?ModalitiesInStudy=MR': 0,
        [`studies?0020000D=${studyUID()},1.2.3`]: 1,
        [`studies?StudyInstanceUID=1.2.3`]: 0,
        'instances?InstanceNumber=99999': 0,
        'series?Modality=CT': 1,
        'instances?limit=2': 2,
        'instances?limit=2&offset=5': 1,
      };
      const answers = await Promise.all(
        Object.keys(counts).map(async (query) => [query, await found(query)] as const),
      );

      expect(Object.fromEntries(answers)).toEqual(counts);
    });

    it('add the fields asked for, say what they did not match, and refuse what is no attribute', async () => {
      const more = await storage.ask(`${series}/instances?includefield=PixelSpacing,00280030&Rows=512`);

      expect(json(more)[0]).toHaveProperty('00280030');
      expect(more.headers['warning']).toContain('00280010');
      expect(json(await storage.ask(`${series}/instances?limit=1&includefield=all`))[0]).toHaveProperty(
        '00180050',
      );
      expect((await storage.ask('/dicomweb/studies?NoSuchThing=1')).status).toBe(400);
      expect((await storage.ask('/dicomweb/studies?limit=-1')).status).toBe(400);
    });
  });

  describe('retrieval', () => {
    it('gives the metadata of all instances of a series', async () => {
      const answer = await storage.ask(`${series}/metadata`);

      expect(answer.headers['content-type']).toContain('application/dicom+json');
      expect(json(answer)).toHaveLength(5);
      const again = await storage.ask(`${series}/metadata`, {
        headers: { 'if-none-match': String(answer.headers['etag']) },
      });
      expect([again.status, again.body.length]).toEqual([304, 0]);
    });

    it('gives an object as a single part, and a range of it', async () => {
      const headers = { accept: 'application/dicom; transfer-syntax=*' };
      const whole = await storage.ask(instance, { headers });
      const range = await storage.ask(instance, { headers: { ...headers, range: 'bytes=128-131' } });

      expect(splitFile(whole.body).dataSet.equals(slice.dataSet)).toBe(true);
      expect(whole.headers['cache-control']).toBe('private, max-age=31536000, immutable');
      expect([range.status, range.body.toString(), range.headers['content-range']]).toEqual([
        206,
        'DICM',
        `bytes 128-131/${whole.body.length}`,
      ]);
    });

    it('gives a frame as stored or decoded, as it is asked', async () => {
      const ask = async (accept: string): Promise<{ contentType: string; bytes: Buffer } | undefined> =>
        partsOf(await storage.ask(`${instance}/frames/1`, { headers: { accept } }))[0];

      const stored = await ask('multipart/related; type="application/octet-stream"; transfer-syntax=*');
      const named = await ask('multipart/related; type="image/jls"');
      const decoded = await ask('multipart/related; type="application/octet-stream"');

      expect(stored?.contentType).toBe('image/jls; transfer-syntax=1.2.840.10008.1.2.4.80');
      expect(slice.dataSet.includes(stored?.bytes ?? '')).toBe(true);
      expect(named?.bytes.equals(stored?.bytes ?? Buffer.alloc(0))).toBe(true);
      expect([decoded?.contentType, decoded?.bytes.length]).toEqual([
        'application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1',
        512 * 512 * 2,
      ]);
      const refused = await storage.ask(`${instance}/frames/1`, { headers: { accept: 'image/gif' } });
      expect(refused.status).toBe(406);
      expect((await storage.ask(`${instance}/frames/2`)).status).toBe(404);
    });

    it('gives bulk data where the metadata say', async () => {
      const [metadata] = json(await storage.ask(`${instance}/metadata`));
      const { BulkDataURI } = metadata?.['7FE00010'] as unknown as { BulkDataURI: string };

      const answer = await storage.ask(BulkDataURI, { headers: { accept: 'application/octet-stream' } });

      expect(slice.dataSet.includes(answer.body)).toBe(true);
      expect(answer.body.length).toBeGreaterThan(10_000);
      expect((await storage.ask(`${instance}/bulkdata/__proto__`)).status).toBe(404);
    });

    it('names itself as the broker before it is called', async () => {
      const headers = { 'x-forwarded-host': 'medusa.example:8443' };
      const [metadata] = json(await storage.ask(`${instance}/metadata`, { headers }));

      expect(metadata?.['7FE00010']).toMatchObject({
        BulkDataURI: `https://medusa.example:8443${instance}/bulkdata/7FE00010`,
      });
    });

    it('draws pictures and thumbnails', async () => {
      const picture = await storage.ask(`${instance}/frames/1/rendered`, {
        headers: { accept: 'image/jpeg' },
      });
      const thumbnail = await storage.ask(`${series}/thumbnail`, { headers: { accept: 'image/png' } });
      const inverted = await storage.ask(`${instance}/rendered?viewport=64,64`);

      expect(jpeg.decode(picture.body)).toMatchObject({ width: 512, height: 512 });
      expect(PNG.sync.read(thumbnail.body)).toMatchObject({ width: 128, height: 128 });
      expect(PNG.sync.read(inverted.body)).toMatchObject({ width: 64, height: 64 });
      expect((await storage.ask(`${instance}/rendered?window=40`)).status).toBe(400);
    });

    it('knows what is not there', async () => {
      const statuses = await Promise.all(
        [
          `${study}x`,
          '/dicomweb/studies/1.2.3',
          `${series}/instances/1.2.3`,
          '/dicomweb/nothing',
          '/nothing',
        ].map(async (path) => (await storage.ask(path)).status),
      );

      expect(statuses).toEqual([404, 404, 404, 404, 404]);
    });
  });

  describe('storing', () => {
    const multipart = (
      files: readonly Buffer[],
    ): { headers: Record<string, string>; body: Buffer; method: string } => ({
      method: 'POST',
      headers: { 'content-type': 'multipart/related; type="application/dicom"; boundary=x_y' },
      body: Buffer.concat([
        ...files.flatMap((file) => [
          Buffer.from('--x_y\r\nContent-Type: application/dicom\r\n\r\n'),
          file,
          Buffer.from('\r\n'),
        ]),
        Buffer.from('--x_y--\r\n'),
      ]),
    });

    it('takes files as C-STORE does, and tells which it did not take', async () => {
      const russian = await readFile(dataPath('charset/chrRuss.dcm'));
      const truncated = await readFile(dataPath('malformed/MR_truncated.dcm'));

      const answer = await storage.ask(
        '/dicomweb/studies',
        multipart([russian, truncated, Buffer.from('no file')]),
      );

      const result = JSON.parse(answer.body.toString()) as Json;
      expect(answer.status).toBe(202);
      expect(result['00081199']?.Value).toMatchObject([
        { '00081155': { Value: [splitFile(russian).meta.sopInstanceUID] } },
      ]);
      expect(result['00081198']?.Value).toMatchObject([
        { '00081197': { Value: [0xc000] } },
        { '00081197': { Value: [0xc000] } },
      ]);
      expect(json(await storage.ask('/dicomweb/studies?PatientName=%D0%9B%D1%8E%D0%BAce*'))).toHaveLength(1);
    });

    it('refuses a token that may only read, and files of another study', async () => {
      const greek = await readFile(dataPath('charset/chrGreek.dcm'));
      const token = await storage.token({ permission: 'read' });

      const readOnly = await storage.ask('/dicomweb/studies', { ...multipart([greek]), token });
      const elsewhere = await storage.ask(study, multipart([greek]));

      expect([readOnly.status, elsewhere.status]).toEqual([403, 409]);
      expect(
        json(await storage.ask(`/dicomweb/instances?SOPInstanceUID=${splitFile(greek).meta.sopInstanceUID}`)),
      ).toEqual([]);
    });

    it('refuses a body without end, and stores nothing of it', async () => {
      const greek = await readFile(dataPath('charset/chrGreek.dcm'));
      const whole = multipart([greek]);

      const answer = await storage.ask('/dicomweb/studies', { ...whole, body: whole.body.subarray(0, -400) });

      expect(answer.status).toBe(400);
      expect(
        json(await storage.ask(`/dicomweb/instances?SOPInstanceUID=${splitFile(greek).meta.sopInstanceUID}`)),
      ).toEqual([]);
    });
  });
});
