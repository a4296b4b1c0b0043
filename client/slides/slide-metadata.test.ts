import { describe, expect, it } from 'vitest';
import type { DicomObject } from '../workstation/dicom-object.ts';
import { frameOfTile, toSlide } from './slide-metadata.ts';

const of = (vr: string, ...Value: unknown[]): { vr: string; Value: unknown[] } => ({ vr, Value });

function level(columns: number, rows: number, change: DicomObject = {}): DicomObject {
  return {
    '00080008': of('CS', 'ORIGINAL', 'PRIMARY', 'VOLUME', 'NONE'),
    '00080016': of('UI', '1.2.840.10008.5.1.4.1.1.77.1.6'),
    '00080018': of('UI', `1.2.${columns}`),
    '0020000E': of('UI', '1.2.3'),
    '00209311': of('CS', 'TILED_FULL'),
    '00280010': of('US', 256),
    '00280011': of('US', 512),
    '00480006': of('UL', columns),
    '00480007': of('UL', rows),
    '00480105': of('SQ', { '00480106': of('SH', '1'), '00480112': of('DS', '40') }),
    '52009229': of('SQ', { '00289110': of('SQ', { '00280030': of('DS', 0.00025, 0.0003) }) }),
    ...change,
  };
}

describe('a slide', () => {
  it('has its levels from the coarsest to the largest, whose pixels and objective it has', () => {
    const slide = toSlide([level(4_096, 2_048), level(1_024, 512)]);

    expect(slide?.levels.map(({ columns }) => columns)).toEqual([1_024, 4_096]);
    expect(slide).toMatchObject({ objective: 40, spacingMm: { row: 0.00025, column: 0.0003 } });
  });

  it('is no label, no overview, and nothing of another class', () => {
    const flavour = (name: string): DicomObject => ({ '00080008': of('CS', 'ORIGINAL', 'PRIMARY', name) });

    expect(toSlide([level(9, 9, flavour('LABEL')), level(9, 9, flavour('OVERVIEW'))])).toBeNull();
    expect(toSlide([level(9, 9, { '00080016': of('UI', '1.2.840.10008.5.1.4.1.1.77.1.3') })])).toBeNull();
    expect(toSlide([level(9, 9, { '00480006': of('UL') })])).toBeNull();
  });

  it('is shown without what it does not say, and says so', () => {
    const said = level(4_096, 2_048, { '00480105': of('SQ', { '00480106': of('SH', '1') }) });
    const bare = Object.fromEntries(
      Object.entries(said).filter(([tag]) => tag !== '00080008' && tag !== '52009229'),
    );
    const slide = toSlide([bare]);

    expect(slide).toMatchObject({ objective: null, spacingMm: null });
    expect(slide?.metadata[0]).toMatchObject({
      '00080008': { Value: ['DERIVED', 'PRIMARY', 'VOLUME', 'NONE'] },
      '00480102': { Value: [0, -1, 0, -1, 0, 0] },
      '00480105': { Value: [{ '00220016': { Value: [] } }] },
    });
    const sized = { '00480001': of('FL', 8.192), '00480002': of('FL', 2.048) };
    expect(toSlide([{ ...bare, ...sized }])?.spacingMm).toEqual({ row: 0.001, column: 0.002 });
  });

  it('knows the frame of a tile: row after row where it is full, else where each says that it lies', () => {
    const [full] = toSlide([level(1_300, 600)])?.levels ?? [];
    const at = (column: number, row: number): DicomObject => ({
      '0048021A': of('SQ', { '0048021E': of('SL', column), '0048021F': of('SL', row) }),
    });
    const sparse = { '00209311': of('CS'), '52009230': of('SQ', at(513, 257), at(1, 1)) };
    const [partly] = toSlide([level(1_300, 600, sparse)])?.levels ?? [];

    expect(full && frameOfTile(full, 2, 1)).toBe(6);
    expect(partly && frameOfTile(partly, 1, 1)).toBe(1);
    expect(partly && frameOfTile(partly, 0, 0)).toBe(2);
    expect(partly && frameOfTile(partly, 2, 0)).toBeUndefined();
  });
});
