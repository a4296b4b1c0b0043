import { z } from 'zod';
import { items, text, type DicomObject } from '../workstation/dicom-object.ts';

const wholeSlide = '1.2.840.10008.5.1.4.1.1.77.1.6';

const tags = {
  ImageType: '00080008',
  SOPClassUID: '00080016',
  PixelSpacing: '00280030',
  IlluminationTypeCodeSequence: '00220016',
  ImagedVolumeWidth: '00480001',
  ImagedVolumeHeight: '00480002',
  TotalPixelMatrixColumns: '00480006',
  TotalPixelMatrixRows: '00480007',
  TotalPixelMatrixOriginSequence: '00480008',
  ImageOrientationSlide: '00480102',
  OpticalPathSequence: '00480105',
  ObjectiveLensPower: '00480112',
  XOffset: '0040072A',
  YOffset: '0040073A',
  PixelMeasuresSequence: '00289110',
  DimensionOrganizationType: '00209311',
  PlanePositionSlideSequence: '0048021A',
  ColumnPosition: '0048021E',
  RowPosition: '0048021F',
  SharedFunctionalGroupsSequence: '52009229',
} as const;

/** One level of a slide's pyramid: an instance whose frames are the tiles. */
export interface SlideLevel {
  readonly sopInstanceUID: string;
  readonly columns: number;
  readonly rows: number;
  readonly tileColumns: number;
  readonly tileRows: number;
  /** Frames by the places of their tiles; null: all tiles are there, row after row. */
  readonly places: ReadonlyMap<string, number> | null;
}

/** A slide as it is shown: coarsest level first. */
export interface Slide {
  readonly seriesInstanceUID: string;
  readonly levels: readonly SlideLevel[];
  /** Of the largest level, mm between rows and between columns; null: the slide does not say. */
  readonly spacingMm: { readonly row: number; readonly column: number } | null;
  /** Magnification of the objective, e.g. 20; null: the slide does not say. */
  readonly objective: number | null;
  readonly container: string;
  /** For the library that draws: what it needs and an archive may lack is there. */
  readonly metadata: readonly DicomObject[];
}

const count = z.coerce.number().int().positive();

/**
 * The slide that a series holds, or null where it holds none. Labels and overviews are pictures of other things and are left out. Where an
 * instance says nothing of its kind, it is taken for a level of the pyramid.
 */
export function toSlide(instances: readonly DicomObject[]): Slide | null {
  const found = instances.flatMap((instance) => {
    const level = isVolume(instance) ? toLevel(instance) : null;
    return level ? [{ instance, level }] : [];
  });
  found.sort((a, b) => a.level.columns - b.level.columns);
  const base = found.at(-1)?.instance;
  if (!base) return null;
  return {
    seriesInstanceUID: text(base, 'SeriesInstanceUID'),
    levels: found.map(({ level }) => level),
    spacingMm: spacingOf(base),
    objective: positive(valueOf(sequence(base, tags.OpticalPathSequence)[0], tags.ObjectiveLensPower)),
    container: stringOf(base['00400512']?.Value?.[0]),
    metadata: found.map(({ instance }) => complete(instance)),
  };
}

function isVolume(instance: DicomObject): boolean {
  const flavour = instance[tags.ImageType]?.Value?.[2];
  return instance[tags.SOPClassUID]?.Value?.[0] === wholeSlide && (flavour ?? 'VOLUME') === 'VOLUME';
}

const levelSchema = z.object({
  columns: count,
  rows: count,
  tileColumns: count,
  tileRows: count,
});

function toLevel(instance: DicomObject): SlideLevel | null {
  const read = levelSchema.safeParse({
    columns: valueOf(instance, tags.TotalPixelMatrixColumns),
    rows: valueOf(instance, tags.TotalPixelMatrixRows),
    tileColumns: valueOf(instance, '00280011'),
    tileRows: valueOf(instance, '00280010'),
  });
  if (!read.success || sequence(instance, tags.OpticalPathSequence).length === 0) return null;
  const isFull = valueOf(instance, tags.DimensionOrganizationType) === 'TILED_FULL';
  const places = isFull ? null : placesOf(instance, read.data);
  return { sopInstanceUID: text(instance, 'SOPInstanceUID'), ...read.data, places };
}

/** Where each frame lies, where the object says so; it may leave tiles out, and have them in any order. */
function placesOf(instance: DicomObject, { tileColumns, tileRows }: Tiling): ReadonlyMap<string, number> {
  const positions = items(instance, 'PerFrameFunctionalGroupsSequence').map(
    (group) => sequence(group, tags.PlanePositionSlideSequence)[0],
  );
  return new Map(
    positions.flatMap((position, index) => {
      const column = positive(valueOf(position, tags.ColumnPosition));
      const row = positive(valueOf(position, tags.RowPosition));
      if (column === null || row === null) return [];
      const place = placeOf(Math.floor((column - 1) / tileColumns), Math.floor((row - 1) / tileRows));
      return [[place, index + 1] as const];
    }),
  );
}

type Tiling = Pick<SlideLevel, 'tileColumns' | 'tileRows'>;

function placeOf(column: number, row: number): string {
  return `${column} ${row}`;
}

/** The frame, from one, that is the tile at this place, counted from nought; undefined: there is none. */
export function frameOfTile(level: SlideLevel, column: number, row: number): number | undefined {
  if (level.places) return level.places.get(placeOf(column, row));
  return row * Math.ceil(level.columns / level.tileColumns) + column + 1;
}

/** By Pixel Spacing, else by the size of what was imaged (PS3.3 §C.8.12.4). */
function spacingOf(instance: DicomObject): Slide['spacingMm'] {
  const [shared] = sequence(instance, tags.SharedFunctionalGroupsSequence);
  const [measures] = sequence(shared, tags.PixelMeasuresSequence);
  const [row, column] = measures?.[tags.PixelSpacing]?.Value ?? [];
  const spacing = {
    row: positive(row) ?? ratioOf(instance, tags.ImagedVolumeHeight, tags.TotalPixelMatrixRows),
    column: positive(column) ?? ratioOf(instance, tags.ImagedVolumeWidth, tags.TotalPixelMatrixColumns),
  };
  return spacing.row !== null && spacing.column !== null
    ? { row: spacing.row, column: spacing.column }
    : null;
}

function ratioOf(instance: DicomObject, dividend: string, divisor: string): number | null {
  return positive(Number(valueOf(instance, dividend)) / Number(valueOf(instance, divisor)));
}

/** As the library wants it. */
function complete(instance: DicomObject): DicomObject {
  const paths = sequence(instance, tags.OpticalPathSequence).map((path) => ({
    [tags.IlluminationTypeCodeSequence]: { vr: 'SQ', Value: [] },
    ...path,
  }));
  const spacing = spacingOf(instance) ?? { row: 1, column: 1 };
  const measures = {
    vr: 'SQ',
    Value: [{ [tags.PixelSpacing]: { vr: 'DS', Value: [spacing.row, spacing.column] } }],
  };
  const [shared = {}] = sequence(instance, tags.SharedFunctionalGroupsSequence);
  return {
    ...originAndOrientation,
    ...instance,
    [tags.ImageType]: {
      vr: 'CS',
      Value: instance[tags.ImageType]?.Value ?? ['DERIVED', 'PRIMARY', 'VOLUME', 'NONE'],
    },
    [tags.OpticalPathSequence]: { vr: 'SQ', Value: paths },
    [tags.SharedFunctionalGroupsSequence]: {
      vr: 'SQ',
      Value: [{ ...shared, [tags.PixelMeasuresSequence]: measures }],
    },
  };
}

/** The usual ones: the label on the right. */
const originAndOrientation: DicomObject = {
  [tags.ImageOrientationSlide]: { vr: 'DS', Value: [0, -1, 0, -1, 0, 0] },
  [tags.TotalPixelMatrixOriginSequence]: {
    vr: 'SQ',
    Value: [{ [tags.XOffset]: { vr: 'DS', Value: [0] }, [tags.YOffset]: { vr: 'DS', Value: [0] } }],
  },
};

const sequenceSchema = z.array(
  z.record(z.string(), z.looseObject({ vr: z.string().optional(), Value: z.array(z.unknown()).optional() })),
);

function sequence(object: DicomObject | undefined, tag: string): readonly DicomObject[] {
  return sequenceSchema.safeParse(object?.[tag]?.Value).data ?? [];
}

function valueOf(object: DicomObject | undefined, tag: string): unknown {
  return object?.[tag]?.Value?.[0];
}

function positive(value: unknown): number | null {
  const number = Number(value ?? NaN);
  return Number.isFinite(number) && number > 0 ? number : null;
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
