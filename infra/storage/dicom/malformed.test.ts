import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { dataPath, readDicomFile } from '../testing/files.ts';
import { bufferSource } from './byte-source.ts';
import { readDataSet } from './element-reader.ts';
import { writeJson } from './json-writer.ts';
import { MalformedDataSet } from './malformed.ts';
import { transferSyntaxOf } from './transfer-syntax.ts';

describe('a data set that is broken', () => {
  const objects: { bytes: Buffer; transferSyntaxUID: string }[] = [];
  beforeAll(async () => {
    for (const name of [
      'ts-matrix/ct_implicit_le',
      'ts-matrix/ct_explicit_be',
      'ct-chest/041',
      'charset/chrH32',
    ]) {
      const { meta, dataSet } = await readDicomFile(dataPath(`${name}.dcm`));
      objects.push({ bytes: dataSet, transferSyntaxUID: meta.transferSyntaxUID });
    }
  });

  /** Whether it could be read; any other error than the expected one is thrown. */
  const read = (bytes: Buffer, transferSyntaxUID: string): boolean => {
    const syntax = transferSyntaxOf(transferSyntaxUID);
    if (!syntax) throw new Error('Unknown transfer syntax');
    try {
      const source = bufferSource(bytes);
      writeJson(source, readDataSet(source, 0, syntax));
      return true;
    } catch (error) {
      if (error instanceof MalformedDataSet) return false;
      throw error;
    }
  };

  it('is read, or refused as malformed, whatever bytes of its header are changed', () => {
    const change = fc.record({ at: fc.nat(4_000), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.nat(3), fc.array(change, { minLength: 1, maxLength: 8 }), (which, changes) => {
        const object = objects[which];
        if (!object) return;
        const bytes = Buffer.from(object.bytes);
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        read(bytes, object.transferSyntaxUID);
      }),
      { numRuns: 1_500 },
    );
  });

  it('is refused wherever it is cut off within an element', () => {
    fc.assert(
      fc.property(fc.nat(3), fc.nat(), (which, cut) => {
        const object = objects[which];
        if (!object) return;
        const whole = object.bytes;
        // Within the pixels there is no element's end where it could be cut unnoticed.
        expect(read(whole.subarray(0, whole.length - 1 - (cut % 1_000)), object.transferSyntaxUID)).toBe(
          false,
        );
      }),
      { numRuns: 200 },
    );
  });

  it('is refused when it is nested deeper than any real one', () => {
    const sequence = Buffer.from('0800401153510000fffffffffeff00e0ffffffff', 'hex');
    const bytes = Buffer.concat(Array.from({ length: 50_000 }, () => sequence));

    expect(read(bytes, '1.2.840.10008.1.2.1')).toBe(false);
  });
});
