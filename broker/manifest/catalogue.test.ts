import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applicationsDir, loadCatalogue } from './index.ts';
import { parseCords, renderCords } from './cords/index.ts';
import { orderNodes, stepsOf } from './cordscript/index.ts';
import { lintManifest } from './lint.ts';

const minimal = `<manifest name="one" xmlns="urn:any">
  <node name="viewer" profile="x11"/>
</manifest>`;

async function loadFrom(files: Record<string, string>): ReturnType<typeof loadCatalogue> {
  const dir = await mkdtemp(join(tmpdir(), 'medusa-catalogue-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
    return await loadCatalogue(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

describe('the catalogue', () => {
  it('makes applications of manifests, our own workstation first', async () => {
    const { applications } = await loadCatalogue(applicationsDir);

    expect(applications).toEqual([
      {
        id: 'workstation',
        name: 'Medusa workstation',
        description: 'Our own viewer: stacks, multiplanar reconstruction, windowing, measurements.',
        kind: 'workstation',
        command: [],
        packages: ['chromium'],
        studyAccess: 'dicomweb',
        resources: { memoryMiB: 1536, cpus: 1 },
        modes: ['streamed', 'local'],
      },
      expect.objectContaining({
        ...{ id: 'near-data', name: 'Reading near the data', kind: 'workstation', canSplit: true },
        ...{ studyAccess: 'dicomweb', resources: { memoryMiB: 32_768, cpus: 8 }, modes: ['streamed'] },
      }),
      {
        id: 'slides',
        name: 'Medusa slide viewer',
        description: 'Our own viewer for whole-slide microscopy: levels of a pyramid, tile by tile.',
        kind: 'slides',
        command: [],
        packages: ['chromium'],
        studyAccess: 'dicomweb',
        resources: { memoryMiB: 1536, cpus: 1 },
        modes: ['streamed', 'local'],
        modalities: ['SM'],
      },
      {
        id: 'aeskulap',
        name: 'Aeskulap',
        description: 'A DICOM viewer for X11, as Debian packages it.',
        kind: 'x11',
        command: ['aeskulap', '{firstFile}'],
        packages: ['aeskulap'],
        studyAccess: 'files',
        resources: { memoryMiB: 1024, cpus: 1 },
        modes: ['streamed'],
      },
      expect.objectContaining({ id: 'amide', command: ['amide', '{firstFile}'], studyAccess: 'files' }),
    ]);
  });

  it('takes from a manifest what may be transferred at most', async () => {
    const text = await readFile(join(applicationsDir, 'aeskulap.xml'), 'utf8');
    const first = `viewer.iface('streamed');`;
    const transfersOf = async (more: string): Promise<unknown> => {
      const { applications } = await loadFrom({ 'aeskulap.xml': text.replace(first, first + more) });
      return applications[0]?.transfers;
    };

    expect(await transfersOf('')).toBeUndefined();
    expect(await transfersOf(` viewer.iface('transfer');`)).toEqual([]);
    expect(await transfersOf(` viewer.iface('transfer', 'paste');`)).toEqual(['paste']);
    await expect(transfersOf(` viewer.iface('transfer', 'files');`)).rejects.toThrow(/transfers/);
  });

  it('has the storage node too, which no session is made of', async () => {
    const { manifests } = await loadCatalogue(applicationsDir);

    expect([...manifests.keys()]).toEqual([
      ...['aeskulap', 'amide', 'near-data', 'slides', 'storage', 'workstation'],
    ]);
  });

  it('ships manifests that can be deployed by themselves, in the form that we write', async () => {
    for (const file of await readdir(applicationsDir)) {
      const text = await readFile(join(applicationsDir, file), 'utf8');
      const { manifest, problems } = parseCords(text);

      expect(problems).toEqual([]);
      if (!manifest) continue;
      expect(lintManifest(manifest)).toEqual([]);
      expect(stepsOf(manifest).problems).toEqual([]);
      expect(orderNodes(manifest)).toMatchObject({ ok: true });
      expect(renderCords(manifest)).toBe(text);
    }
  });

  it.each([
    ['is not a manifest', { 'a.xml': '<manifest' }, /^a\.xml:1:/],
    [
      'has something that is not known',
      { 'a.xml': '<manifest name="a">\n<sauce/></manifest>' },
      /^a\.xml:2:1: /,
    ],
    [
      'has the name of another',
      { 'a.xml': minimal, 'b.xml': minimal },
      /^b\.xml: there is another manifest one/,
    ],
    ['describes half an application', { 'a.xml': minimal }, /studyAccess/],
  ])('refuses to start when a file %s', async (...[, files, message]) => {
    await expect(loadFrom(files)).rejects.toThrow(message);
  });
});
