import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '@medusa/kernel/free-ports';
import { dcmtk, type ProgramResult } from '../testing/dcmtk.ts';
import { dataPath, filesOf, readDicomFile, type DicomFile } from '../testing/files.ts';
import { objectsIn, startStorescp } from '../testing/peers.ts';
import { associateRequest, commandSet, connectPeer, dataPdu, statusOf, store } from '../testing/scu.ts';
import { startTestNode, type TestNode } from '../testing/test-node.ts';
import { withInstanceNumber } from '../testing/unique.ts';
import { encodePdu, pduTypes } from './pdu.ts';

const ctStudy = '1.3.6.1.4.1.14519.5.2.1.6279.6001.265704884949271879044145982159';
const studyFind = '1.2.840.10008.5.1.4.1.2.2.1';

describe('query and retrieve', () => {
  let folder: string;
  let storage: TestNode;
  let sinkPort: number;
  let sent: Map<string, DicomFile>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'query-retrieve-'));
    sinkPort = await freePort();
    const file = join(folder, 'registry.json');
    const here = { host: '127.0.0.1', tls: 'off' };
    const entities = {
      READER: { tls: 'off', may: ['query', 'retrieve'] },
      SENDER: { tls: 'off', may: ['store'] },
      SINK: { ...here, port: sinkPort },
      NOBODY: { ...here, port: await freePort() },
    };
    await writeFile(file, JSON.stringify({ entities }));
    storage = await startTestNode({ registry: file });
    const paths = await Promise.all(['ct-chest', 'charset', 'ts-matrix'].map(filesOf));
    sent = new Map();
    for (const path of paths.flat()) {
      const object = await readDicomFile(path);
      const status = await store(storage.node.dicomPort, { ...object.meta, dataSet: object.dataSet });
      if (status === 0) sent.set(object.meta.sopInstanceUID, object);
    }
  });
  afterAll(async () => {
    await storage[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const peer = (title = 'READER'): string[] => [
    '-aet',
    title,
    '-aec',
    'MEDUSA',
    '127.0.0.1',
    String(storage.node.dicomPort),
  ];
  /** Values of one attribute in all answers; DCMTK prints them as it decodes them. */
  const find = async (root: '-S' | '-P', keys: string[], ...options: string[]): Promise<ProgramResult> =>
    dcmtk('findscu', root, ...options, ...keys.flatMap((key) => ['-k', key]), ...peer());
  const valuesOf = ({ output }: ProgramResult, tag: string): string[] =>
    [...output.matchAll(new RegExp(`^I: \\(${tag}\\) [A-Z]{2} [=[]?(.*?)\\]? +#`, 'gm'))]
      .map(([, value]) => value?.trim() ?? '')
      .slice(1);
  const answers = async (keys: string[], tag: string): Promise<string[]> =>
    valuesOf(await find('-S', keys, '-v'), tag);

  it('answers every study when nothing is asked for, and the counts of one', async () => {
    const all = await find('-S', ['QueryRetrieveLevel=STUDY', 'StudyInstanceUID'], '-v');
    expect(all.code).toBe(0);
    const health = JSON.parse((await storage.ask('/healthz', { token: null })).body.toString()) as {
      studies: number;
    };
    expect(new Set(valuesOf(all, '0020,000d')).size).toBe(health.studies);

    const keys = [
      'QueryRetrieveLevel=STUDY',
      `StudyInstanceUID=${ctStudy}`,
      'ModalitiesInStudy',
      'NumberOfStudyRelatedInstances',
      'SOPClassesInStudy',
    ];
    const one = await find('-S', keys, '-v');
    expect(valuesOf(one, '0008,0061')).toEqual(['CT']);
    expect(Number(valuesOf(one, '0020,1208')[0])).toBeGreaterThan(30);
    expect(valuesOf(one, '0008,0062')).toEqual(['CTImageStorage']);
  });

  it.each<[string, string[], boolean]>([
    ['a single value', ['PatientID=LIDC-IDRI-0314'], true],
    ['wildcards', ['PatientID=LIDC-????-03*'], true],
    ['wildcards that mind the case', ['PatientID=lidc*'], false],
    ['a range of dates', ['StudyDate=19991231-20000101'], true],
    ['a range with one end', ['StudyDate=20000102-'], false],
    ['a list of UIDs', [`StudyInstanceUID=1.2.3\\${ctStudy}`], true],
    ['an attribute in any of the series', ['ModalitiesInStudy=CT'], true],
    ['an empty key', ['AccessionNumber='], true],
  ])('matches by %s', async (_name, keys, isFound) => {
    const level = [
      'QueryRetrieveLevel=STUDY',
      ...(keys[0]?.startsWith('StudyInstanceUID') ? [] : ['StudyInstanceUID']),
    ];

    const found = await answers([...level, ...keys], '0020,000d');

    expect(found.includes(ctStudy)).toBe(isFound);
  });

  it('knows patients, series and images, and attributes that are no column', async () => {
    const patients = await find('-P', ['QueryRetrieveLevel=PATIENT', 'PatientID=LIDC*', '0020,1200'], '-v');
    expect(valuesOf(patients, '0010,0020')).toEqual(['LIDC-IDRI-0314']);
    expect(valuesOf(patients, '0020,1200')).toEqual(['1']);
    const series = [
      `StudyInstanceUID=${ctStudy}`,
      'QueryRetrieveLevel=SERIES',
      '0020,1209',
      'Manufacturer=PHIL*',
    ];
    expect(await answers(series, '0020,1209')).toEqual([]);
    expect(await answers([...series.slice(0, 3), 'Manufacturer=Phil*'], '0020,1209')).toHaveLength(1);
    const images = [`StudyInstanceUID=${ctStudy}`, 'QueryRetrieveLevel=IMAGE', 'SOPInstanceUID'];
    const slice = [...images, 'SliceLocation=-823.5'];
    expect(await answers(slice, '0008,0018')).toHaveLength(1);
  });

  it('matches within sequences, and returns of them what was asked for', async () => {
    const copy = join(folder, 'with-sequence.dcm');
    await copyFile(dataPath('ts-matrix/ct_explicit_le.dcm'), copy);
    const inserted = ['CodeValue=CodeValue', 'CodeMeaning=CT'].flatMap((value) => [
      '-i',
      `(0032,1064)[0].${value}`,
    ]);
    expect(await dcmtk('dcmodify', '-nb', '-gin', ...inserted, copy)).toMatchObject({ code: 0 });
    const { meta, dataSet } = await readDicomFile(copy);
    expect(await store(storage.node.dicomPort, { ...meta, dataSet })).toBe(0);
    const keys = ['QueryRetrieveLevel=IMAGE', 'SOPInstanceUID'];
    const inCode = (value: string): string[] => [...keys, `(0032,1064)[0].CodeValue=${value}`];

    expect(await answers(inCode('CodeV*'), '0008,0018')).toHaveLength(1);
    expect(await answers(inCode('another'), '0008,0018')).toEqual([]);
    const { output } = await find('-S', inCode('CodeValue'), '-v');
    expect(output.match(/\(0008,0100\) SH \[CodeValue ?\]/g)).toHaveLength(2);
    expect(output).not.toContain('CodeMeaning');
  });

  it('answers in the character set of the question where that can write the name, otherwise in UTF-8', async () => {
    const name = async (characterSet: string, id: string): Promise<string> =>
      (
        await find(
          '-S',
          [
            'QueryRetrieveLevel=STUDY',
            `SpecificCharacterSet=${characterSet}`,
            'PatientName',
            `PatientID=${id}`,
          ],
          '-v',
        )
      ).output;

    expect(await name('ISO_IR 126', 'SCSGREEK')).toMatch(
      /I: \(0008,0005\) CS \[ISO_IR 126\][^]*\(0008,0005\) CS \[ISO_IR 126\]/,
    );
    expect(await name('ISO_IR 100', 'H32EXAMPLE')).toContain('[ISO_IR 192]');
  });

  it('says that it does not know a level, and refuses what is no identifier', async () => {
    const unknown = await find('-S', ['QueryRetrieveLevel=PATIENT', 'PatientID'], '-v');
    expect(unknown.output).toContain('DataSetDoesNotMatchSOPClass');
    using raw = await connectPeer(storage.node.dicomPort);
    raw.send(
      associateRequest({
        calling: 'READER',
        contexts: [{ id: 1, abstractSyntax: studyFind, transferSyntaxes: ['1.2.840.10008.1.2'] }],
      }),
    );
    expect((await raw.next())?.type).toBe(pduTypes.associateAccept);
    for (const bytes of [Buffer.alloc(300, 0xff), Buffer.alloc(300 * 1024)]) {
      raw.send(dataPdu(1, findCommand(1), { isCommand: true, isLast: true }));
      for (let at = 0; at < bytes.length; at += 60_000)
        raw.send(
          dataPdu(1, bytes.subarray(at, at + 60_000), {
            isCommand: false,
            isLast: at + 60_000 >= bytes.length,
          }),
        );
      expect([0xc000, 0xa700]).toContain(statusOf(await raw.next()));
    }
  });

  it('stops at C-CANCEL, and goes on with the association', async () => {
    // More answers than fit into the buffers between the two.
    const slice = await readDicomFile(dataPath('ct-chest/041.dcm'));
    for (let number = 1; number <= 30; number++) {
      const { meta, dataSet } = withInstanceNumber(slice, number);
      await store(storage.node.dicomPort, { ...meta, dataSet });
    }
    using raw = await connectPeer(storage.node.dicomPort);
    raw.send(
      associateRequest({
        calling: 'READER',
        contexts: [{ id: 1, abstractSyntax: studyFind, transferSyntaxes: ['1.2.840.10008.1.2'] }],
      }),
    );
    expect((await raw.next())?.type).toBe(pduTypes.associateAccept);
    raw.send(
      Buffer.concat([
        dataPdu(1, findCommand(1), { isCommand: true, isLast: true }),
        dataPdu(
          1,
          implicit([
            [0x0008, 0x0018, ''],
            [0x0008, 0x0052, 'IMAGE '],
          ]),
          { isCommand: false, isLast: true },
        ),
        dataPdu(1, commandSet({ 0x0100: 0x0fff, 0x0120: 1, 0x0800: 0x0101 }), {
          isCommand: true,
          isLast: true,
        }),
      ]),
    );

    const seen: (number | undefined)[] = [];
    for (let status: number | undefined = 0xff00; status === 0xff00;) {
      const pdu = await raw.next();
      if (pdu === undefined) break;
      // Identifiers come in PDUs of their own.
      if (((pdu.body[5] ?? 0) & 1) === 0) continue;
      status = statusOf(pdu);
      seen.push(status);
    }

    expect(seen.at(-1)).toBe(0xfe00);
    expect(seen.length).toBeLessThan(sent.size);
    raw.send(encodePdu(pduTypes.releaseRequest, Buffer.alloc(4)));
    expect((await raw.next())?.type).toBe(pduTypes.releaseResponse);
  });

  it('moves a study to another entity byte for byte', async () => {
    await using sink = await startStorescp(sinkPort, '+xa');

    const moved = await dcmtk(
      'movescu',
      ...['-S', '-v', '-aem', 'SINK', '-k', 'QueryRetrieveLevel=STUDY', '-k', `StudyInstanceUID=${ctStudy}`],
      ...peer(),
    );

    expect(moved.output).toMatch(/Final Move Response \(Success\)/);
    const arrived = await objectsIn(sink.folder);
    expect(arrived.size).toBeGreaterThan(30);
    for (const [uid, { dataSet, meta }] of arrived) {
      const original = sent.get(uid);
      if (!original) continue;
      expect(meta.transferSyntaxUID).toBe(original.meta.transferSyntaxUID);
      expect(dataSet.equals(original.dataSet)).toBe(true);
    }
  });

  it('tells what it could not move, and why', async () => {
    const move = async (destination: string, ...keys: string[]): Promise<string> =>
      (
        await dcmtk(
          'movescu',
          '-S',
          '-d',
          '-aem',
          destination,
          ...keys.flatMap((key) => ['-k', key]),
          ...peer(),
        )
      ).output;
    const study = ['QueryRetrieveLevel=STUDY', `StudyInstanceUID=${ctStudy}`];

    expect(await move('STRANGER', ...study)).toMatch(/0xa801|Move Destination unknown/i);
    expect(await move('NOBODY', ...study)).toMatch(/0xa702/i);
    expect(await move('NOBODY', 'QueryRetrieveLevel=STUDY', 'PatientID=x')).toMatch(/0xa900/i);
    expect(await move('NOBODY', 'QueryRetrieveLevel=STUDY', 'StudyInstanceUID=1.2.3')).toMatch(
      /0x0000|Success/,
    );
    // Only uncompressed: the compressed CT cannot be sent as it lies here.
    await using plainSink = await startStorescp(sinkPort, '+xi');
    const refused = await move('SINK', ...study);
    expect(refused).toMatch(/0xb000|0xa702/i);
    expect(refused).toMatch(/FailedSOPInstanceUIDList/);
    expect(plainSink.folder).toBeTruthy();
  });

  it('gives objects over the association that asked for them, as far as they can be taken as they are', async () => {
    const slice = await readDicomFile(dataPath('ts-matrix/ct_explicit_le.dcm'));
    const plain = [901, 902, 903, 904].map((number) => withInstanceNumber(slice, number));
    for (const { meta, dataSet } of plain)
      expect(await store(storage.node.dicomPort, { ...meta, dataSet })).toBe(0);
    const get = async (...keys: string[]): Promise<{ output: string; arrived: Map<string, DicomFile> }> => {
      const target = await mkdtemp(join(folder, 'get-'));
      const study = ['-k', `StudyInstanceUID=${ctStudy}`];
      const more = keys.flatMap((key) => ['-k', key]);
      const { output } = await dcmtk('getscu', '-S', '-d', '+B', '-od', target, ...study, ...more, ...peer());
      return { output, arrived: await objectsIn(target) };
    };
    const uids = plain.map(({ meta }) => meta.sopInstanceUID);

    const some = await get('QueryRetrieveLevel=IMAGE', `SOPInstanceUID=${uids.join('\\')}`);
    const all = await get('QueryRetrieveLevel=STUDY');

    expect(some.output).toContain('0x0000: Success: Sub-operations complete');
    expect([...some.arrived.keys()].sort()).toEqual(uids.sort());
    for (const { meta, dataSet } of plain)
      expect(some.arrived.get(meta.sopInstanceUID)?.dataSet.equals(dataSet)).toBe(true);
    expect(all.output).toMatch(/0xb000/i);
    expect([...all.arrived.keys()]).toEqual(expect.arrayContaining(uids));
    expect(all.arrived.size).toBeLessThan(10);
  });

  it('lets nobody query or retrieve who may only store', async () => {
    const asked = await dcmtk('findscu', '-S', '-k', 'QueryRetrieveLevel=STUDY', ...peer('SENDER'));

    expect(asked.output).toMatch(/No Acceptable Presentation Contexts/i);
  });
});

function findCommand(messageId: number): Buffer {
  return commandSet({ 0x0002: studyFind, 0x0100: 0x0020, 0x0110: messageId, 0x0700: 0, 0x0800: 1 });
}

function implicit(elements: readonly (readonly [group: number, element: number, text: string])[]): Buffer {
  return Buffer.concat(
    elements.map(([group, element, text]) => {
      const header = Buffer.alloc(8);
      header.writeUInt16LE(group, 0);
      header.writeUInt16LE(element, 2);
      header.writeUInt32LE(text.length, 4);
      return Buffer.concat([header, Buffer.from(text)]);
    }),
  );
}
