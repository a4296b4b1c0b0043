import { items, numbers, text, type DicomObject } from './dicom-object.ts';

/** A series as the archive lists it. */
export interface SeriesEntry {
  readonly seriesInstanceUID: string;
  readonly modality: string;
  readonly description: string;
  readonly seriesNumber: number;
  readonly instanceCount: number;
}

/** One picture of a series: an instance, or a frame of a multi-frame instance. */
export interface SeriesImage {
  readonly sopInstanceUID: string;
  /** Counts from one, as in PS3.18. */
  readonly frame: number;
  readonly instance: DicomObject;
  readonly position: Vector | null;
  readonly orientation: Orientation | null;
}

export type Vector = readonly [number, number, number];

/** ImageOrientationPatient: where columns and rows run in the patient. */
interface Orientation {
  readonly row: Vector;
  readonly column: Vector;
}

/** Of the same modality set, what a picture viewer has no picture for. */
const withoutPictures = new Set([
  'SR',
  'PR',
  'KO',
  'DOC',
  'RTSTRUCT',
  'RTPLAN',
  'RTRECORD',
  'REG',
  'FID',
  'PLAN',
  'ASMT',
  'AU',
  'ECG',
  'HD',
]);

export function hasPictures(entry: SeriesEntry): boolean {
  return !withoutPictures.has(entry.modality);
}

export function toSeriesEntry(object: DicomObject): SeriesEntry {
  return {
    seriesInstanceUID: text(object, 'SeriesInstanceUID'),
    modality: text(object, 'Modality'),
    description: text(object, 'SeriesDescription'),
    seriesNumber: numbers(object, 'SeriesNumber')[0] ?? Number.MAX_SAFE_INTEGER,
    instanceCount: numbers(object, 'NumberOfSeriesRelatedInstances')[0] ?? 0,
  };
}

/** By Series Number; the UID decides ties, so that the order is the same every time. */
export function sortSeries(entries: readonly SeriesEntry[]): SeriesEntry[] {
  return entries.toSorted(
    (a, b) => a.seriesNumber - b.seriesNumber || a.seriesInstanceUID.localeCompare(b.seriesInstanceUID),
  );
}

/** Every picture of a series' instances in reading order: along the normal where all planes are parallel, else by InstanceNumber. */
export function toImages(instances: readonly DicomObject[]): SeriesImage[] {
  const images = instances
    .filter((instance) => (numbers(instance, 'Rows')[0] ?? 0) > 0)
    .toSorted(byInstanceNumber)
    .flatMap(frames);
  return isParallel(images) ? sortAlongNormal(images) : images;
}

/** Whether the images can be resliced: parallel, of one size, grey, evenly spaced to a tenth of the distance. */
export function isVolume(images: readonly SeriesImage[]): boolean {
  const [first] = images;
  if (!first || images.length < 3 || !isParallel(images)) return false;
  if (numbers(first.instance, 'SamplesPerPixel')[0] !== 1) return false;

  const size = sizeOf(first);
  const depths = images.map(depth);
  const step = ((depths.at(-1) ?? 0) - (depths[0] ?? 0)) / (images.length - 1);
  const even = depths.every((d, i) => Math.abs(d - ((depths[0] ?? 0) + i * step)) < Math.abs(step) / 10);
  return step !== 0 && even && images.every((image) => sizeOf(image) === size);
}

function frames(instance: DicomObject): SeriesImage[] {
  const count = numbers(instance, 'NumberOfFrames')[0] ?? 1;
  const shared = items(instance, 'SharedFunctionalGroupsSequence')[0] ?? {};
  const perFrame = items(instance, 'PerFrameFunctionalGroupsSequence');

  return Array.from({ length: count }, (_, index) => {
    const groups = [perFrame[index] ?? {}, shared];
    const plane = (keyword: 'PlanePositionSequence' | 'PlaneOrientationSequence'): DicomObject =>
      groups.flatMap((group) => items(group, keyword))[0] ?? instance;
    return {
      sopInstanceUID: text(instance, 'SOPInstanceUID'),
      frame: index + 1,
      instance,
      position: vector(numbers(plane('PlanePositionSequence'), 'ImagePositionPatient')),
      orientation: orientationOf(plane('PlaneOrientationSequence')),
    };
  });
}

function orientationOf(plane: DicomObject): Orientation | null {
  const cosines = numbers(plane, 'ImageOrientationPatient');
  const row = vector(cosines.slice(0, 3));
  const column = vector(cosines.slice(3, 6));
  return row && column ? { row, column } : null;
}

function vector([x, y, z]: readonly number[]): Vector | null {
  return x === undefined || y === undefined || z === undefined ? null : [x, y, z];
}

function isParallel(images: readonly SeriesImage[]): boolean {
  const normal = normalOf(images[0]);
  return (
    normal !== null &&
    images.every((image) => {
      const other = normalOf(image);
      return image.position !== null && other !== null && dot(normal, other) > 0.999;
    })
  );
}

/** Several phases or echoes at one place keep their InstanceNumber order: the sort is stable. */
function sortAlongNormal(images: readonly SeriesImage[]): SeriesImage[] {
  return images.toSorted((a, b) => {
    const difference = depth(a) - depth(b);
    return Math.abs(difference) < 1e-3 ? 0 : difference;
  });
}

function depth(image: SeriesImage): number {
  const normal = normalOf(image);
  return normal && image.position ? dot(normal, image.position) : 0;
}

function normalOf(image: SeriesImage | undefined): Vector | null {
  if (!image?.orientation) return null;
  const { row, column } = image.orientation;
  return [
    row[1] * column[2] - row[2] * column[1],
    row[2] * column[0] - row[0] * column[2],
    row[0] * column[1] - row[1] * column[0],
  ];
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function sizeOf({ instance }: SeriesImage): string {
  return `${numbers(instance, 'Columns')[0] ?? 0}×${numbers(instance, 'Rows')[0] ?? 0}`;
}

function byInstanceNumber(a: DicomObject, b: DicomObject): number {
  return (numbers(a, 'InstanceNumber')[0] ?? 0) - (numbers(b, 'InstanceNumber')[0] ?? 0);
}
