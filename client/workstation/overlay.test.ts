import { expect, test } from 'vitest';
import { tags, type DicomObject } from './dicom-object.ts';
import { describePicture } from './overlay.ts';

const instance: DicomObject = {
  [tags.PatientName]: { Value: [{ Alphabetic: 'Doe^Jane^^Dr' }] },
  [tags.PatientID]: { Value: ['P-7'] },
  [tags.PatientBirthDate]: { Value: ['19610203'] },
  [tags.PatientSex]: { Value: ['F'] },
  [tags.StudyDescription]: { Value: ['CT chest'] },
  [tags.StudyDate]: { Value: ['20260102'] },
  [tags.SliceLocation]: { Value: [-578.8] },
  [tags.SliceThickness]: { Value: ['1.0'] },
};

const picture = {
  instance,
  sliceIndex: 3,
  sliceCount: 60,
  window: { center: 39.6, width: 400.2 },
  zoom: 1.318,
  plane: null,
};

test('the corners name patient, study, slice and window', () => {
  expect(describePicture(picture)).toEqual({
    topLeft: ['Doe, Dr Jane', 'P-7', '1961-02-03  F'],
    topRight: ['CT chest', '2026-01-02'],
    bottomLeft: ['Image 4 / 60', 'Loc -578.8 mm  Thick 1.0 mm'],
    bottomRight: ['Zoom 1.32×', 'W 400  L 40'],
    lossy: '',
  });
});

test('an image that was compressed with loss says so, with its ratio', () => {
  const lossy = { ...instance, [tags.LossyImageCompression]: { Value: ['01'] } };
  const withRatio = { ...lossy, [tags.LossyImageCompressionRatio]: { Value: [12.04] } };

  expect([lossy, withRatio].map((object) => describePicture({ ...picture, instance: object }).lossy)).toEqual(
    ['Lossy compressed', 'Lossy compressed 12 : 1'],
  );
});

test('a reformation names its plane instead of a slice location', () => {
  expect(describePicture({ ...picture, plane: 'Coronal' }).bottomLeft).toEqual(['Coronal', 'Slice 4 / 60']);
});
