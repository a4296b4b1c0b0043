import { describe, expect, it } from 'vitest';
import { dataPath, readDicomFile } from '../testing/files.ts';
import { textDecoding } from './charset.ts';
import { parseObject } from './header.ts';

/** As DCMTK and pydicom read them. */
const names = {
  chrArab: { Alphabetic: 'قباني^لنزار' },
  chrFrenMulti: { Alphabetic: 'Buc^Jérôme' },
  chrGreek: { Alphabetic: 'Διονυσιος' },
  chrH32: { Alphabetic: 'ﾔﾏﾀﾞ^ﾀﾛｳ', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' },
  chrI2: { Alphabetic: 'Hong^Gildong', Ideographic: '洪^吉洞', Phonetic: '홍^길동' },
  chrRuss: { Alphabetic: 'Люкceмбypг' },
  chrX2: { Alphabetic: 'Wang^XiaoDong', Ideographic: '王^小东' },
};

describe('Specific Character Set', () => {
  it.each(Object.entries(names))('of %s gives the name', async (file, name) => {
    const path = dataPath(`charset/${file}.dcm`);
    const { meta } = await readDicomFile(path);

    const { attributes } = parseObject({ path, ...meta }, ['00080005', '00100010']);

    expect(attributes['00100010']).toEqual({ vr: 'PN', Value: [name] });
    expect(attributes['00080005']).toEqual({ vr: 'CS', Value: ['ISO_IR 192'] });
  });

  const decode = (characterSet: string, bytes: number[]): string =>
    textDecoding(characterSet.split('\\'))(Uint8Array.from(bytes), true);
  const latin = (text: string): number[] => [...Buffer.from(text, 'latin1')];

  it('does not take the second byte of a character for a delimiter', () => {
    const escaped = [0x1b, 0x24, 0x42, 0x30, 0x5c, 0x1b, 0x28, 0x42, 0x5e, 0x42];
    expect(decode('\\ISO 2022 IR 87', escaped)).toBe('移^B');
    expect(decode('GB18030', [0x81, 0x5c]).length).toBe(1);
  });

  it('comes back to the first set after a delimiter', () => {
    const bytes = [...latin('A\x1b-F'), 0xc1, 0x5e, 0xc1];
    expect(decode('ISO 2022 IR 100\\ISO 2022 IR 126', bytes)).toBe('AΑ^Á');
  });

  it('reads UTF-8, and what it does not know as Latin-1', () => {
    expect(decode('ISO_IR 192', latin('Ã¶'))).toBe('ö');
    expect(decode('NO SUCH SET', [0xe9])).toBe('é');
    expect(decode('', [0x41])).toBe('A');
  });
});
