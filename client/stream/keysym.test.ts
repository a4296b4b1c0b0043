import { describe, expect, it } from 'vitest';
import { keysymOf } from './keysym.ts';

const press = (key: string, location = 0): number | undefined => keysymOf({ key, code: '', location });

describe('keysymOf', () => {
  it.each([
    ['a', 0, 0x61],
    ['A', 0, 0x41],
    [' ', 0, 0x20],
    ['é', 0, 0xe9],
    ['€', 0, 0x010020ac],
    ['Ω', 0, 0x010003a9],
    ['😀', 0, 0x0101f600],
    ['Enter', 0, 0xff0d],
    ['Enter', 3, 0xff8d],
    ['7', 0, 0x37],
    ['7', 3, 0xffb7],
    ['Home', 3, 0xff95],
    ['F1', 0, 0xffbe],
    ['F12', 0, 0xffc9],
    ['Shift', 1, 0xffe1],
    ['Shift', 2, 0xffe2],
    ['Control', 2, 0xffe4],
    ['AltGraph', 0, 0xfe03],
    ['Delete', 0, 0xffff],
  ])('%s at location %i is 0x%s', (key, location, keysym) => {
    expect(press(key, location)).toBe(keysym);
  });

  it.each(['Dead', 'Unidentified', 'Process', 'F25', '', '\u0007'])('has no word for %j', (key) => {
    expect(press(key)).toBeUndefined();
  });
});
