import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { ctFolder } from '../../support/fixtures.ts';

const execute = promisify(execFile);
/** DCMTK takes their names as arguments. */
const filesAtOnce = 100;

/**
 * Real CT slices, uncompressed (512 KiB of pixels each), as series of many studies: each a copy with UIDs and a patient of its own. DCMTK deletes what
 * it changes, so that is done in memory: before ext4 makes a file it looks at each of those that were deleted in the last minutes, and whoever
 * receives first would be charged for it.
 */
export async function makeSlices(folder: string, count: number): Promise<readonly string[]> {
  const sources = (await readdir(ctFolder)).filter((name) => name.endsWith('.dcm')).sort();
  await using workshop = await inMemory();
  const plain = path.join(workshop.path, 'plain');
  await mkdir(plain);
  for (const name of sources) await execute('dcmdjpls', [path.join(ctFolder, name), path.join(plain, name)]);
  const made: string[] = [];
  for (let copy = 0; made.length < count; copy += 1) {
    const names = sources.slice(0, count - made.length);
    const [own, series] = [path.join(workshop.path, 'own'), path.join(folder, `series-${copy}`)];
    for (const each of [own, series]) await mkdir(each, { recursive: true });
    for (const name of names) await copyFile(path.join(plain, name), path.join(own, name));
    await makeOwn(
      names.map((name) => path.join(own, name)),
      copy,
    );
    for (const name of names) await copyFile(path.join(own, name), path.join(series, name));
    made.push(...names.map((name) => path.join(series, name)));
  }
  return made;
}

async function inMemory(): Promise<AsyncDisposable & { readonly path: string }> {
  const made = await mkdtemp('/dev/shm/medusa-bench-slices-');
  return { path: made, [Symbol.asyncDispose]: async () => rm(made, { recursive: true, force: true }) };
}

async function makeOwn(files: readonly string[], copy: number): Promise<void> {
  const study = `2.25.${randomInt(2 ** 47)}`;
  for (let at = 0; at < files.length; at += filesAtOnce)
    await execute('dcmodify', [
      ...['-nb', '-gin', '-m', `0020,000d=${study}`, '-m', `0020,000e=${study}.1`],
      ...['-m', `0010,0020=BENCH-${copy}`, ...files.slice(at, at + filesAtOnce)],
    ]);
}

/** One object of many frames with about so many bytes of pixels; at most 4 GiB, as the length field of an element allows. */
export async function makeLargeObject(folder: string, bytes: number): Promise<string> {
  const [rows, columns, frames] = [1_024, 1_024, Math.floor(bytes / (1_024 * 1_024 * 2))];
  const [pixels, dump, file] = ['large.raw', 'large.dump', 'large.dcm'].map((name) =>
    path.join(folder, name),
  );
  if (!pixels || !dump || !file) throw new Error('No names');
  await execute('truncate', ['-s', String(frames * rows * columns * 2), pixels]);
  const uid = `2.25.${randomInt(2 ** 47)}`;
  await writeFile(
    dump,
    [
      '(0008,0016) UI =MultiframeGrayscaleWordSecondaryCaptureImageStorage',
      `(0008,0018) UI [${uid}.3]`,
      '(0008,0060) CS [OT]',
      '(0010,0010) PN [BENCH^LARGE]',
      '(0010,0020) LO [BENCH-LARGE]',
      `(0020,000d) UI [${uid}]`,
      `(0020,000e) UI [${uid}.1]`,
      '(0028,0002) US 1',
      '(0028,0004) CS [MONOCHROME2]',
      `(0028,0008) IS [${frames}]`,
      `(0028,0010) US ${rows}`,
      `(0028,0011) US ${columns}`,
      '(0028,0100) US 16',
      '(0028,0101) US 16',
      '(0028,0102) US 15',
      '(0028,0103) US 0',
      `(7fe0,0010) OW =${pixels}`,
    ].join('\n'),
  );
  await execute('dump2dcm', ['+te', dump, file], { maxBuffer: 1 << 26 });
  if ((await stat(file)).size < bytes * 0.99) throw new Error('dump2dcm made less than was asked for');
  return file;
}
