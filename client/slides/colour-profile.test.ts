import { expect, it } from 'vitest';
import { withColourProfile } from './colour-profile.ts';

const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1, 2);

it('puts a profile behind the start of the stream', () => {
  const whole = withColourProfile(jpeg, Uint8Array.of(7, 8, 9));

  expect(Buffer.from(whole).toString('latin1')).toBe(
    `\xff\xd8\xff\xe2\x00\x13ICC_PROFILE\0\x01\x01\x07\x08\x09\xff\xe0\x01\x02`,
  );
});

it('divides one that is longer than a segment', () => {
  const whole = Buffer.from(withColourProfile(jpeg, new Uint8Array(70_000)));

  expect(whole.toString('latin1', 18, 20)).toBe('\x01\x02');
  expect(whole.readUInt16BE(4)).toBe(0xffff);
  expect(whole.toString('latin1', 0xffff + 4, 0xffff + 6)).toBe('\xff\xe2');
  expect(whole).toHaveLength(6 + 70_000 + 2 * 18);
});
