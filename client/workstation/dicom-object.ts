import { z } from 'zod';

/** DICOM JSON model, PS3.18 §F. Lenient: what an archive adds or leaves out must not hide the pictures. */
export const dicomObjectSchema = z.record(
  z.string(),
  z.looseObject({ vr: z.string().optional(), Value: z.array(z.unknown()).optional() }),
);
export type DicomObject = z.infer<typeof dicomObjectSchema>;

/** The attributes the application reads itself. */
export const tags = {
  SOPClassUID: '00080016',
  SOPInstanceUID: '00080018',
  StudyDate: '00080020',
  SeriesDate: '00080021',
  StudyTime: '00080030',
  SeriesTime: '00080031',
  Modality: '00080060',
  InstitutionName: '00080080',
  StudyDescription: '00081030',
  SeriesDescription: '0008103E',
  PatientName: '00100010',
  PatientID: '00100020',
  PatientBirthDate: '00100030',
  PatientSex: '00100040',
  SliceThickness: '00180050',
  SeriesInstanceUID: '0020000E',
  SeriesNumber: '00200011',
  InstanceNumber: '00200013',
  ImagePositionPatient: '00200032',
  ImageOrientationPatient: '00200037',
  FrameOfReferenceUID: '00200052',
  NumberOfSeriesRelatedInstances: '00201209',
  SliceLocation: '00201041',
  PlanePositionSequence: '00209113',
  PlaneOrientationSequence: '00209116',
  SamplesPerPixel: '00280002',
  NumberOfFrames: '00280008',
  Rows: '00280010',
  Columns: '00280011',
  BitsStored: '00280101',
  WindowCenter: '00281050',
  WindowWidth: '00281051',
  LossyImageCompression: '00282110',
  LossyImageCompressionRatio: '00282112',
  SharedFunctionalGroupsSequence: '52009229',
  PerFrameFunctionalGroupsSequence: '52009230',
} as const;

export type Keyword = keyof typeof tags;

const personNameSchema = z.object({ Alphabetic: z.string() });

/** The first value as text, '' where there is none. Person names are written the way one reads them. */
export function text(object: DicomObject, keyword: Keyword): string {
  const value = object[tags[keyword]]?.Value?.[0];
  const name = personNameSchema.safeParse(value);
  if (name.success) return readableName(name.data.Alphabetic);
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}

/** All values that are numbers. Archives write DS and IS as JSON numbers or as strings. */
export function numbers(object: DicomObject, keyword: Keyword): readonly number[] {
  const values = object[tags[keyword]]?.Value ?? [];
  return values
    .filter((value) => typeof value === 'number' || (typeof value === 'string' && value.trim() !== ''))
    .map(Number)
    .filter(Number.isFinite);
}

/** The items of a sequence. */
export function items(object: DicomObject, keyword: Keyword): readonly DicomObject[] {
  const parsed = z.array(dicomObjectSchema).safeParse(object[tags[keyword]]?.Value);
  return parsed.success ? parsed.data : [];
}

/** DICOM PS3.5 §6.2, VR DA, as ISO 8601: one order all over the world. */
export function readableDate(date: string): string {
  return /^\d{8}$/.test(date) ? `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}` : date;
}

function readableName(name: string): string {
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = name.split('^');
  const rest = [prefix, given, middle, suffix].filter((part) => part !== '').join(' ');
  return [family, rest].filter((part) => part !== '').join(', ');
}
