import { expect, test } from 'vitest';
import { tags, type DicomObject, type Keyword } from './dicom-object.ts';
import { hasPictures, isVolume, sortSeries, toImages, toSeriesEntry } from './series.ts';

const axial = [1, 0, 0, 0, 1, 0];

function object(values: Partial<Record<Keyword, readonly unknown[]>>): DicomObject {
  return Object.fromEntries(
    Object.entries(values).map(([keyword, value]) => [tags[keyword as Keyword], { Value: [...value] }]),
  );
}

function slice(
  number: number,
  z: number,
  more: Partial<Record<Keyword, readonly unknown[]>> = {},
): DicomObject {
  return object({
    SOPInstanceUID: [`1.2.${number}`],
    InstanceNumber: [number],
    Rows: [512],
    Columns: [512],
    SamplesPerPixel: [1],
    ImagePositionPatient: [0, 0, z],
    ImageOrientationPatient: axial,
    ...more,
  });
}

test('slices are read along the normal, whatever their numbers say', () => {
  const images = toImages([slice(1, 30), slice(2, 10), slice(3, 20)]);

  expect(images.map(({ sopInstanceUID }) => sopInstanceUID)).toEqual(['1.2.2', '1.2.3', '1.2.1']);
});

test('planes that are not parallel are read by instance number', () => {
  const coronal = { ImageOrientationPatient: [1, 0, 0, 0, 0, -1] };

  const images = toImages([slice(3, 1), slice(1, 3, coronal), slice(2, 2)]);

  expect(images.map(({ sopInstanceUID }) => sopInstanceUID)).toEqual(['1.2.1', '1.2.2', '1.2.3']);
});

test('phases at one place keep their order', () => {
  const images = toImages([slice(4, 5), slice(3, 0), slice(2, 5), slice(1, 0)]);

  expect(images.map(({ sopInstanceUID }) => sopInstanceUID)).toEqual(['1.2.1', '1.2.3', '1.2.2', '1.2.4']);
});

test('every frame of an enhanced object is an image at its own place', () => {
  const position = (z: number): unknown =>
    object({ PlanePositionSequence: [object({ ImagePositionPatient: [0, 0, z] })] });
  const enhanced = object({
    SOPInstanceUID: ['1.9'],
    Rows: [64],
    NumberOfFrames: ['2'],
    SharedFunctionalGroupsSequence: [
      object({ PlaneOrientationSequence: [object({ ImageOrientationPatient: axial })] }),
    ],
    PerFrameFunctionalGroupsSequence: [position(8), position(4)],
  });

  expect(toImages([enhanced]).map(({ frame, position: p }) => [frame, p?.[2]])).toEqual([
    [2, 4],
    [1, 8],
  ]);
});

test('an object without pixels is no image', () => {
  expect(toImages([object({ SOPInstanceUID: ['1.2'] })])).toEqual([]);
});

test('series come by number, those without one last', () => {
  const entry = (uid: string, number?: string) =>
    toSeriesEntry(object({ SeriesInstanceUID: [uid], ...(number && { SeriesNumber: [number] }) }));

  const sorted = sortSeries([entry('1'), entry('2', '10'), entry('3', '9')]);

  expect(sorted.map(({ seriesInstanceUID }) => seriesInstanceUID)).toEqual(['3', '2', '1']);
});

test('a structured report has no pictures, a CT has', () => {
  const entry = (modality: string) => toSeriesEntry(object({ Modality: [modality] }));

  expect([hasPictures(entry('SR')), hasPictures(entry('CT'))]).toEqual([false, true]);
});

test('even grey parallel slices make a volume; a gap, colour or two slices do not', () => {
  const volume = (...instances: DicomObject[]) => isVolume(toImages(instances));
  const colour = { SamplesPerPixel: [3] };

  expect([
    volume(slice(1, 0), slice(2, 1), slice(3, 2)),
    volume(slice(1, 0), slice(2, 1), slice(3, 5)),
    volume(slice(1, 0, colour), slice(2, 1, colour), slice(3, 2, colour)),
    volume(slice(1, 0), slice(2, 1)),
  ]).toEqual([true, false, false, false]);
});
