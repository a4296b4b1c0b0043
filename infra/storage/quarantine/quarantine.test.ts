import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { quarantineListSchema, type QuarantinedObject } from '@medusa/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { craftedObject, dicomFile, element, windowsProgram } from '../testing/crafted.ts';
import { dcmtk } from '../testing/dcmtk.ts';
import type { DicomFile } from '../testing/files.ts';
import { store } from '../testing/scu.ts';
import { partsOf, startTestNode, type HttpAnswer, type TestNode } from '../testing/test-node.ts';

const carrier = (number = 1, program = windowsProgram()): DicomFile =>
  craftedObject({ number, more: [element('00291010', 'UN', program)] });

let storage: TestNode;
beforeEach(async () => {
  storage = await startTestNode();
});
afterEach(async () => storage[Symbol.asyncDispose]());

const startAnew = async (settings: Parameters<typeof startTestNode>[0]): Promise<void> => {
  await storage[Symbol.asyncDispose]();
  storage = await startTestNode(settings);
};
const admin = async (): Promise<string> => storage.token({ permission: 'admin' });
const ask = async (path: string, method = 'GET'): Promise<HttpAnswer> =>
  storage.ask(`/quarantine${path}`, { method, token: await admin() });
const list = async (): Promise<QuarantinedObject[]> =>
  quarantineListSchema.parse(JSON.parse((await ask('')).body.toString())).objects;
const health = async (): Promise<unknown> =>
  JSON.parse((await storage.ask('/healthz', { token: null })).body.toString());
const found = async (): Promise<unknown[]> =>
  JSON.parse((await storage.ask('/dicomweb/instances')).body.toString()) as unknown[];
const send = async ({ meta, dataSet }: DicomFile): Promise<number | undefined> =>
  store(storage.node.dicomPort, { ...meta, dataSet });
const stow = async (file: Buffer): Promise<HttpAnswer> => {
  const part = '--b\r\nContent-Type: application/dicom\r\n\r\n';
  return storage.ask('/dicomweb/studies', {
    method: 'POST',
    headers: { 'content-type': 'multipart/related; type="application/dicom"; boundary=b' },
    body: Buffer.concat([Buffer.from(part), file, Buffer.from('\r\n--b--\r\n')]),
  });
};
const filesIn = async (folder: string): Promise<string[]> => readdir(join(storage.directory, folder));

describe('an object with a preamble of another kind of file', () => {
  it.each<[string, string | Buffer]>([
    ['Windows or DOS program', windowsProgram()],
    ['ELF program', '\x7fELF\x02\x01\x01'],
    ['Mach-O program or Java class', Buffer.from('cffaedfe07000001', 'hex')],
    ['ZIP archive', 'PK\x03\x04'],
    ['PDF document', '%PDF-1.7'],
    ['script', '#!/bin/sh\nrm -rf /\n'],
    ['HTML, XML or PHP text', '\r\n<!DOCTYPE html><script>alert(1)</script>'],
    ['compound document', Buffer.from('d0cf11e0a1b11ae1', 'hex')],
  ])('that of a %s is kept as it came, and nobody finds it', async (type, preamble) => {
    const file = dicomFile(craftedObject(), Buffer.from(preamble as string, 'latin1'));

    const answer = await stow(file);

    expect(answer.status).toBe(409);
    expect(answer.body.toString()).toContain(`"00081197":{"vr":"US","Value":[49409]}`);
    expect(await found()).toEqual([]);
    const [entry] = await list();
    expect(entry).toMatchObject({
      reason: `its preamble is that of another file: ${type}`,
      receivedFrom: 'STOW-RS',
      state: 'held',
    });
    const kept = await readFile(join(storage.directory, 'quarantine', `${entry?.id ?? ''}.dcm`));
    expect(kept.equals(file)).toBe(true);
  });

  it.each<[string, Buffer]>([
    ['of zeros', Buffer.alloc(128)],
    ['of an application of its own', Buffer.from('made by a scanner of 1998')],
    ['of a TIFF', Buffer.from('II*\0\x08\0\0\0')],
    ['of a BigTIFF', Buffer.from('MM\0+\0\x08\0\0')],
  ])('is stored with one %s, and served with it', async (_name, preamble) => {
    const file = dicomFile(craftedObject(), preamble);

    expect((await stow(file)).status).toBe(200);

    const [object] = (await found()) as Record<string, { Value: string[] }>[];
    const [part] = partsOf(await storage.ask(new URL(object?.['00081190']?.Value[0] ?? '').pathname));
    expect(part?.bytes.equals(file)).toBe(true);
  });

  it('is suspected of a TIFF when the site says so', async () => {
    await startAnew({ tiffPreamble: 'suspect' });

    expect((await stow(dicomFile(craftedObject(), Buffer.from('II*\0')))).status).toBe(409);
    expect(await list()).toHaveLength(1);
  });
});

describe('an object with a program in it', () => {
  it('sent by DCMTK is kept in quarantine, refused, and invisible', async () => {
    const path = join(storage.directory, '..', 'carrier.dcm');
    await writeFile(path, dicomFile(carrier()));
    const peer = ['-v', '-aet', 'MODALITY', '-aec', 'MEDUSA', '127.0.0.1', String(storage.node.dicomPort)];

    const { output } = await dcmtk('storescu', ...peer, path);

    expect(output).toContain('Error: CannotUnderstand');
    expect(await found()).toEqual([]);
    expect(await health()).toMatchObject({ studies: 0, instances: 0 });
    expect(await filesIn('incoming')).toEqual([]);
    expect(await list()).toMatchObject([
      {
        reason: 'Windows or DOS program in (0029,1010)',
        receivedFrom: 'MODALITY',
        sopInstanceUID: '1.2.826.0.1.3680043.9.9997.1',
        times: 1,
      },
    ]);
  });

  it.each<[string, string, Buffer]>([
    ['ELF program', '00291010', Buffer.from(`\x7fELF${'\0'.repeat(60)}`, 'latin1')],
    ['script', '00291010', Buffer.from(`#!/bin/sh\n${'echo '.repeat(20)}`)],
    ['Windows or DOS program', '00420011', windowsProgram()],
  ])('is found: %s in %s', async (type, tag, program) => {
    expect(await send(craftedObject({ more: [element(tag, 'OB', program)] }))).toBe(0xc101);
    expect((await list())[0]?.reason).toContain(type);
  });

  it.each<[string, Buffer]>([
    ['two letters', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(100, 9)])],
    ['a comment', Buffer.from(`#! not a path ${'x'.repeat(40)}`)],
    ['an archive of a vendor', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(100)])],
  ])('is not suspected for %s', async (_name, value) => {
    expect(await send(craftedObject({ more: [element('00291010', 'OB', value)] }))).toBe(0);
  });

  it('is one entry however often it is sent', async () => {
    const statuses = [await send(carrier()), await send(carrier()), await send(carrier())];

    expect(statuses).toEqual([0xc101, 0xc101, 0xc101]);
    expect(await list()).toMatchObject([{ times: 3 }]);
    expect(await filesIn('quarantine')).toHaveLength(1);
  });

  it('is acknowledged when the site says so, and lies in quarantine then', async () => {
    await startAnew({ quarantineAnswer: 'success' });

    expect(await send(carrier())).toBe(0);

    expect(await found()).toEqual([]);
    expect(await filesIn('quarantine')).toHaveLength(1);
  });

  it('is refused and not kept when the site says so', async () => {
    await startAnew({ suspicious: 'refuse' });

    expect(await send(carrier())).toBe(0xc100);

    expect(await list()).toEqual([]);
    expect(await filesIn('quarantine')).toEqual([]);
    expect(await filesIn('incoming')).toEqual([]);
  });
});

describe('the quarantine', () => {
  it('lets an object go the usual way when it is released', async () => {
    const object = carrier();
    await send(object);
    const [entry] = await list();

    const released = await ask(`/${entry?.id ?? ''}/release`, 'POST');

    expect(JSON.parse(released.body.toString())).toEqual({ outcome: 'stored' });
    expect(await list()).toEqual([]);
    expect(await filesIn('quarantine')).toEqual([]);
    expect(await health()).toMatchObject({ studies: 1, instances: 1 });
    expect(await send(object)).toBe(0);
    expect(await list()).toEqual([]);
  });

  it('forgets an object that is deleted', async () => {
    await send(carrier());
    const [entry] = await list();

    expect((await ask(`/${entry?.id ?? ''}`, 'DELETE')).status).toBe(204);

    expect(await list()).toEqual([]);
    expect(await filesIn('quarantine')).toEqual([]);
    expect((await ask(`/${entry?.id ?? ''}`, 'DELETE')).status).toBe(404);
    expect((await ask(`/${entry?.id ?? ''}/release`, 'POST')).status).toBe(404);
  });

  it.each<[string, Record<string, unknown> | null, number]>([
    ['nobody', null, 401],
    ['a reader', { permission: 'read' }, 403],
    ['a writer', { permission: 'write' }, 403],
    ['an administrator of one study', { permission: 'admin', study: '1.2.3' }, 403],
  ])('is not open to %s', async (_name, claims, status) => {
    const token = claims && (await storage.token(claims));

    expect((await storage.ask('/quarantine', { token })).status).toBe(status);
    expect((await storage.ask(`/quarantine/${'a'.repeat(64)}`, { method: 'DELETE', token })).status).toBe(
      status,
    );
  });

  it('gives its administrator no pictures', async () => {
    expect((await storage.ask('/dicomweb/studies', { token: await admin() })).status).toBe(403);
  });

  it('takes no name but a hash', async () => {
    expect((await ask('/..%2findex.sqlite', 'DELETE')).status).toBe(422);
  });

  it('is the same after a restart, and agrees with its folder', async () => {
    await send(carrier(1));
    await send(carrier(2));
    const [lost] = await list();
    await storage.node.close();
    const folder = join(storage.directory, 'quarantine');
    await writeFile(join(folder, `${'b'.repeat(64)}.dcm`), 'not an object');
    await rm(join(folder, `${lost?.id ?? ''}.dcm`));

    await storage.restart();

    const entries = await list();
    expect(entries).toHaveLength(2);
    expect(entries.map(({ reason }) => reason)).toContain('found in the folder at start');
    expect(entries.map(({ id }) => id)).not.toContain(lost?.id);
    const refused = await ask(`/${'b'.repeat(64)}/release`, 'POST');
    expect(refused.status).toBe(400);
    expect(await list()).toHaveLength(2);
  });

  it('takes what somebody laid among the objects by hand', async () => {
    await storage.node.close();
    const name = 'c'.repeat(64);
    const file = dicomFile(craftedObject(), windowsProgram());
    await writeFile(join(storage.directory, 'objects', 'cc', `${name}.dcm`), file);

    await storage.restart();

    expect(await list()).toMatchObject([
      { id: name, reason: 'its preamble is that of another file: Windows or DOS program' },
    ]);
    expect(await found()).toEqual([]);
  });

  it('takes what does not have all bytes of its name, as a machine that stopped may leave it', async () => {
    await storage.node.close();
    const name = 'd'.repeat(64);
    await writeFile(join(storage.directory, 'objects', 'dd', `${name}.dcm`), dicomFile(craftedObject()));

    await storage.restart();

    expect(await list()).toMatchObject([{ id: name, reason: 'its bytes are not those of its name' }]);
    expect(await found()).toEqual([]);
  });
});
