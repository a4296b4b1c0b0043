import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Slices of one size in Hounsfield units, from one end of the body to the other. */
export type CtSeries = {
  readonly columns: number;
  readonly rows: number;
  /** Distance of two slices in pixels of a slice. */
  readonly stepPx: number;
  readonly slices: readonly Int16Array[];
};

/** Decoded by DCMTK; nothing of Medusa has a hand in it. */
export function readCtSeries(folder: string): CtSeries {
  const temporary = mkdtempSync(path.join(tmpdir(), 'medusa-bench-ct-'));
  try {
    const names = readdirSync(folder)
      .filter((name) => name.endsWith('.dcm'))
      .sort();
    const read = names.map((name) => readSlice(path.join(folder, name), temporary));
    const sorted = read.sort((one, other) => other.z - one.z);
    const [first, second] = sorted;
    if (!first || !second) throw new Error(`${folder} holds no series`);
    const stepPx = (first.z - second.z) / first.spacing;
    return { columns: first.columns, rows: first.rows, stepPx, slices: sorted.map(({ values }) => values) };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

type Slice = { columns: number; rows: number; z: number; spacing: number; values: Int16Array };

function readSlice(file: string, temporary: string): Slice {
  const plain = path.join(temporary, path.basename(file));
  run('dcmdjpls', [file, plain]);
  const wanted = ['0028,0010', '0028,0011', '0028,0103', '0028,1052', '0028,1053', '0020,0032', '0028,0030'];
  const dump = run('dcmdump', [
    ...['-q', '-s', '+W', temporary],
    ...wanted.flatMap((tag) => ['+P', tag]),
    ...['+P', '7fe0,0010', plain],
  ]);
  const text = (tag: string): string =>
    new RegExp(`\\(${tag}\\) \\w\\w (?:\\[([^\\]]*)\\]|(\\d+))`).exec(dump)?.slice(1).find(Boolean) ?? '';
  const [columns, rows] = [Number(text('0028,0011')), Number(text('0028,0010'))];
  const [slope, intercept] = [Number(text('0028,1053')), Number(text('0028,1052'))];
  const isSigned = text('0028,0103') === '1';
  const rawFile = path.join(temporary, `${path.basename(file)}.0.raw`);
  const bytes = readFileSync(rawFile);
  const values = Int16Array.from({ length: columns * rows }, (_, index) => {
    const stored = isSigned ? bytes.readInt16LE(index * 2) : bytes.readUInt16LE(index * 2);
    return stored * slope + intercept;
  });
  rmSync(rawFile);
  rmSync(plain);
  const z = Number(text('0020,0032').split('\\')[2]);
  return { columns, rows, z, spacing: Number(text('0028,0030').split('\\')[0]), values };
}

function run(command: string, args: readonly string[]): string {
  const done = spawnSync(command, args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr}`);
  return done.stdout;
}
