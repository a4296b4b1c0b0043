import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Gray values, one byte each, row by row. */
export type GrayPicture = { readonly width: number; readonly height: number; readonly pixels: Uint8Array };

/** A CT slice in modality units (Hounsfield), decoded by DCMTK: nothing of Medusa has a hand in it. */
export type ReferenceSlice = {
  readonly sopInstanceUID: string;
  readonly columns: number;
  readonly rows: number;
  readonly values: Float64Array;
};

type Rectangle = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** Finds the slice by its SOP Instance UID among the files of a folder. */
export function readReferenceSlice(folder: string, sopInstanceUID: string): ReferenceSlice {
  const temporary = mkdtempSync(path.join(tmpdir(), 'medusa-reference-'));
  try {
    for (const name of readdirSync(folder).filter((entry) => entry.endsWith('.dcm'))) {
      const file = path.join(folder, name);
      if (attribute(file, '0008,0018') !== sopInstanceUID) continue;
      const plain = path.join(temporary, name);
      run('dcmdjpls', [file, plain]);
      return decode(plain, sopInstanceUID, temporary);
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  throw new Error(`No file of ${folder} holds ${sopInstanceUID}`);
}

function decode(file: string, sopInstanceUID: string, temporary: string): ReferenceSlice {
  const number = (tag: string): number => Number(attribute(file, tag));
  const [columns, rows] = [number('0028,0011'), number('0028,0010')];
  const [slope, intercept] = [number('0028,1053'), number('0028,1052')];
  const isSigned = number('0028,0103') === 1;
  run('dcmdump', ['-q', '+W', temporary, '+P', '7fe0,0010', file]);
  const raw = readdirSync(temporary).find((name) => name.endsWith('.raw'));
  if (!raw) throw new Error('dcmdump wrote no pixel data');
  const bytes = readFileSync(path.join(temporary, raw));
  const values = Float64Array.from({ length: columns * rows }, (_, index) => {
    const stored = isSigned ? bytes.readInt16LE(index * 2) : bytes.readUInt16LE(index * 2);
    return stored * slope + intercept;
  });
  return { sopInstanceUID, columns, rows, values };
}

/**
 * The slice as it must look in `region` when the complete image lies in `imageRectangle` (both in display px) with this
 * window: linear VOI of PS3.3 §C.11.2.1.2, then, in the order of PS3.4 §N.2, the spatial transformation, bilinear
 * between pixel centres.
 */
export function renderReference(
  slice: ReferenceSlice,
  region: Rectangle,
  view: { readonly imageRectangle: Rectangle; readonly windowCenter: number; readonly windowWidth: number },
): GrayPicture {
  const { imageRectangle: image } = view;
  const [width, height] = [Math.round(region.width), Math.round(region.height)];
  const gray = slice.values.map((value) => linearVoi(value, view));
  const pixels = new Uint8Array(width * height);
  const at = (column: number, row: number): number => {
    const c = Math.min(slice.columns - 1, Math.max(0, column));
    const r = Math.min(slice.rows - 1, Math.max(0, row));
    return gray[r * slice.columns + c] ?? 0;
  };
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const u = ((region.x + x + 0.5 - image.x) / image.width) * slice.columns - 0.5;
      const v = ((region.y + y + 0.5 - image.y) / image.height) * slice.rows - 0.5;
      const [c, r] = [Math.floor(u), Math.floor(v)];
      const [fu, fv] = [u - c, v - r];
      const top = at(c, r) * (1 - fu) + at(c + 1, r) * fu;
      const bottom = at(c, r + 1) * (1 - fu) + at(c + 1, r + 1) * fu;
      pixels[y * width + x] = Math.round(top * (1 - fv) + bottom * fv);
    }
  }
  return { width, height, pixels };
}

function linearVoi(
  value: number,
  { windowCenter: c, windowWidth: w }: { windowCenter: number; windowWidth: number },
): number {
  if (value <= c - 0.5 - (w - 1) / 2) return 0;
  if (value > c - 0.5 + (w - 1) / 2) return 255;
  return ((value - (c - 0.5)) / (w - 1) + 0.5) * 255;
}

function attribute(file: string, tag: string): string {
  const line = run('dcmdump', ['-q', '-s', '+P', tag, file]);
  return (
    /\[([^\]]*)\]/.exec(line)?.[1]?.replaceAll('\0', '').trim() ?? /\sU[SL]\s(\d+)/.exec(line)?.[1] ?? ''
  );
}

function run(command: string, args: readonly string[]): string {
  const done = spawnSync(command, args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr}`);
  return done.stdout;
}
