import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFileStore } from '../objects/file-store.ts';
import { openStudyIndex, totalsOf } from '../index/study-index.ts';
import { loopbackCertificate } from '../testing/certificate.ts';
import { dcmtk } from '../testing/dcmtk.ts';
import { craftedObject, element, windowsProgram } from '../testing/crafted.ts';
import { filesOf, readDicomFile, splitFile, type DicomFile } from '../testing/files.ts';
import { associateRequest, connectPeer, sendObject, statusOf } from '../testing/scu.ts';
import { withInstanceNumber } from '../testing/unique.ts';

const images = 200;
const killAfter = 60;

/** The node as a process of its own, so that it can be killed as a machine would be. */
describe('a storage node that is killed while images arrive', () => {
  let directory: string;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'storage-crash-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0))
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    await rm(directory, { recursive: true });
  });

  const start = async (
    environment: Readonly<Record<string, string>> = {},
  ): Promise<{ child: ChildProcess; dicomPort: number }> => {
    const { cert, key } = await loopbackCertificate();
    await writeFile(join(directory, 'cert.pem'), cert);
    await writeFile(join(directory, 'key.pem'), key);
    const child = spawn(process.execPath, [fileURLToPath(new URL('../main.ts', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        MEDUSA_BROKER_URL: 'https://127.0.0.1:1',
        MEDUSA_NODE_ID: 'crash',
        MEDUSA_NODE_TOKEN: 'token',
        MEDUSA_STORAGE_DIR: join(directory, 'storage'),
        MEDUSA_DICOM_PORT: '0',
        MEDUSA_STORAGE_RESERVE_MIB: '1',
        MEDUSA_TLS_CERT: join(directory, 'cert.pem'),
        MEDUSA_TLS_KEY: join(directory, 'key.pem'),
        ...environment,
      },
    });
    children.push(child);
    let output = '';
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      output += chunk.toString();
      const port = /"dicomPort":(\d+)/.exec(output)?.[1];
      if (port) return { child, dicomPort: Number(port) };
    }
    throw new Error(`The node did not start: ${output}`);
  };

  it('has every image that it acknowledged, byte for byte, when it is back', async () => {
    const sources = await Promise.all((await filesOf('ct-chest')).slice(0, 10).map(readDicomFile));
    const perSource = images / sources.length;
    const objects = sources.flatMap((source, at) =>
      Array.from({ length: perSource }, (_, index) => withInstanceNumber(source, at * perSource + index)),
    );
    const first = await start();

    const acknowledged = (
      await Promise.all(
        [0, 1].map(async (half) =>
          sendUntilItDies(
            first,
            objects.filter((_, at) => at % 2 === half),
          ),
        ),
      )
    ).flat();

    expect(acknowledged.length).toBeGreaterThanOrEqual(killAfter);
    expect(acknowledged.length).toBeLessThan(images);
    const second = await start();
    expect(await readdir(join(directory, 'storage', 'incoming'))).toEqual([]);
    expect((await dcmtk('echoscu', '-aec', 'MEDUSA', '127.0.0.1', String(second.dicomPort))).code).toBe(0);
    second.child.kill('SIGTERM');
    expect(await once(second.child, 'exit')).toEqual([0, null]);
    await expectAll(acknowledged);
  });

  it('has every object in quarantine that it acknowledged', async () => {
    const program = windowsProgram();
    const objects = Array.from({ length: images }, (_, at) =>
      craftedObject({ number: at + 1, more: [element('00291010', 'UN', program)] }),
    );
    const first = await start({ MEDUSA_QUARANTINE_ANSWER: 'success' });

    const acknowledged = await sendUntilItDies(first, objects);

    expect(acknowledged).toHaveLength(killAfter);
    const second = await start();
    expect((await dcmtk('echoscu', '-aec', 'MEDUSA', '127.0.0.1', String(second.dicomPort))).code).toBe(0);
    second.child.kill('SIGTERM');
    expect(await once(second.child, 'exit')).toEqual([0, null]);
    const folder = join(directory, 'storage', 'quarantine');
    const files = await Promise.all(
      (await readdir(folder)).map(async (name) => readDicomFile(join(folder, name))),
    );
    const kept = new Map(files.map(({ meta, dataSet }) => [meta.sopInstanceUID, dataSet]));
    for (const { meta, dataSet } of acknowledged)
      expect(kept.get(meta.sopInstanceUID)?.equals(dataSet)).toBe(true);
    using index = openStudyIndex(join(directory, 'storage', 'index.sqlite'));
    const entries = index.get<{ total: number }>('SELECT count(*) AS total FROM quarantine');
    expect(entries?.total).toBe(files.length);
    expect(totalsOf(index)).toMatchObject({ instances: 0, conflicts: 0 });
  });

  const sendUntilItDies = async (
    { child, dicomPort }: { child: ChildProcess; dicomPort: number },
    objects: readonly DicomFile[],
  ): Promise<DicomFile[]> => {
    using peer = await connectPeer(dicomPort);
    const contexts = objects.slice(0, 1).map(({ meta }) => ({
      id: 1,
      abstractSyntax: meta.sopClassUID,
      transferSyntaxes: [meta.transferSyntaxUID],
    }));
    peer.send(associateRequest({ contexts }));
    await peer.next();
    const acknowledged: DicomFile[] = [];
    for (const [index, object] of objects.entries()) {
      sendObject(peer, index + 1, { ...object.meta, dataSet: object.dataSet });
      // In the middle of an object that was sent and not answered.
      if (acknowledged.length === killAfter) child.kill('SIGKILL');
      const response = await peer.next();
      if (!response) break;
      expect(statusOf(response)).toBe(0);
      acknowledged.push(object);
    }
    return acknowledged;
  };

  const expectAll = async (acknowledged: readonly DicomFile[]): Promise<void> => {
    using index = openStudyIndex(join(directory, 'storage', 'index.sqlite'));
    const store = await openFileStore(join(directory, 'storage'));
    const rows = index.all<{ sop_instance_uid: string; sha256: string }>('SELECT * FROM instance');
    const names = new Map(rows.map((row) => [row.sop_instance_uid, row.sha256]));
    for (const { meta, dataSet } of acknowledged) {
      const kept = splitFile(await readFile(store.pathOf(names.get(meta.sopInstanceUID) ?? '')));
      expect(kept.meta.sopInstanceUID).toBe(meta.sopInstanceUID);
      expect(kept.dataSet.equals(dataSet)).toBe(true);
    }
  };
});
