import { expect, it } from 'vitest';
import { formatPersonName } from './person-name.ts';

it.each([
  ['Doe^Jane', 'Doe, Jane'],
  ['Doe^Jane^Q', 'Doe, Jane Q'],
  ['Adams^John Robert Quincy^^Rev.^B.A. M.Div.', 'Adams, John Robert Quincy, Rev. B.A. M.Div.'],
  ['Yamada^Tarou=山田^太郎=やまだ^たろう', 'Yamada, Tarou'],
  ['=山田^太郎', '山田, 太郎'],
  ['^Jane', 'Jane'],
  ['CompressedSamples^CT1', 'CompressedSamples, CT1'],
  ['', ''],
  ['^^^^', ''],
])('%j reads %j', (personName, read) => {
  expect(formatPersonName(personName)).toBe(read);
});
