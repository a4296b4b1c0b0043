import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PNG } from 'pngjs';

const run = promisify(execFile);

/** Eight bit grey, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly grey: Uint8Array;
}

/** What DCMTK makes of an object with a window: an implementation of PS3.3 §C.11.2.1.2 that is not ours. */
export async function renderWithDcmtk(file: string, center: number, width: number): Promise<Picture> {
  return inFolder(async (folder) => {
    const [plain, picture] = [join(folder, 'plain.dcm'), join(folder, 'picture.pgm')];
    await run('dcmdjpls', [file, plain]);
    await run('dcmj2pnm', ['--write-raw-pnm', '--set-window', String(center), String(width), plain, picture]);
    return parsePgm(await readFile(picture));
  });
}

/** As the eye weighs it (BT.709 luma). */
export function decodePng(png: Uint8Array): Picture {
  const { width, height, data } = PNG.sync.read(Buffer.from(png));
  const luma = (at: number): number =>
    0.2126 * (data[at] ?? 0) + 0.7152 * (data[at + 1] ?? 0) + 0.0722 * (data[at + 2] ?? 0);
  return {
    width,
    height,
    grey: Uint8Array.from({ length: width * height }, (_, index) => Math.round(luma(index * 4))),
  };
}

/** Bilinear, pixel centres on pixel centres. */
export function scale({ width, height, grey }: Picture, toWidth: number, toHeight: number): Picture {
  const at = (x: number, y: number): number =>
    grey[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))] ?? 0;
  const scaled = new Uint8Array(toWidth * toHeight);
  for (let row = 0; row < toHeight; row += 1) {
    const y = ((row + 0.5) * height) / toHeight - 0.5;
    const [y0, v] = [Math.floor(y), y - Math.floor(y)];
    for (let column = 0; column < toWidth; column += 1) {
      const x = ((column + 0.5) * width) / toWidth - 0.5;
      const [x0, u] = [Math.floor(x), x - Math.floor(x)];
      const upper = at(x0, y0) * (1 - u) + at(x0 + 1, y0) * u;
      const lower = at(x0, y0 + 1) * (1 - u) + at(x0 + 1, y0 + 1) * u;
      scaled[row * toWidth + column] = Math.round(upper * (1 - v) + lower * v);
    }
  }
  return { width: toWidth, height: toHeight, grey: scaled };
}

export function crop(picture: Picture, margin: number): Picture {
  const width = picture.width - 2 * margin;
  const height = picture.height - 2 * margin;
  const grey = new Uint8Array(width * height);
  for (let row = 0; row < height; row += 1) {
    const from = (row + margin) * picture.width + margin;
    grey.set(picture.grey.subarray(from, from + width), row * width);
  }
  return { width, height, grey };
}

/** Mean structural similarity over blocks of eight by eight, Wang et al. 2004. */
export function ssim(a: Picture, b: Picture): number {
  if (a.width !== b.width || a.height !== b.height) throw new Error('The pictures differ in size.');
  const block = 8;
  let sum = 0;
  let count = 0;
  for (let y = 0; y + block <= a.height; y += block) {
    for (let x = 0; x + block <= a.width; x += block) {
      sum += blockSsim(blockOf(a, x, y), blockOf(b, x, y));
      count += 1;
    }
  }
  return sum / count;

  function blockOf({ grey, width }: Picture, x: number, y: number): number[] {
    return Array.from(
      { length: block * block },
      (_, i) => grey[(y + Math.floor(i / block)) * width + x + (i % block)] ?? 0,
    );
  }
}

function blockSsim(a: readonly number[], b: readonly number[]): number {
  const [c1, c2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2];
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const varianceA = mean(a.map((value) => (value - meanA) ** 2));
  const varianceB = mean(b.map((value) => (value - meanB) ** 2));
  const covariance = mean(a.map((value, i) => (value - meanA) * ((b[i] ?? 0) - meanB)));
  return (
    ((2 * meanA * meanB + c1) * (2 * covariance + c2)) /
    ((meanA ** 2 + meanB ** 2 + c1) * (varianceA + varianceB + c2))
  );
}

function parsePgm(bytes: Uint8Array): Picture {
  const header = /^P5\s(?:#[^\n]*\n)?(\d+)\s+(\d+)\s+255\s/.exec(
    Buffer.from(bytes.subarray(0, 200)).toString('latin1'),
  );
  if (!header) throw new Error('This is not a PGM of eight bits.');
  return {
    width: Number(header[1]),
    height: Number(header[2]),
    grey: new Uint8Array(bytes.subarray(header[0].length)),
  };
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'workstation-picture-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
