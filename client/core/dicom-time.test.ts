import { expect, it } from 'vitest';
import { formatDicomDate, formatDicomTime, toDicomDate } from './dicom-time.ts';

it.each([
  ['20261124', '2026-11-24'],
  ['2026.11.24', '2026-11-24'],
  ['', ''],
  ['about 1960', 'about 1960'],
])('date %j reads %j', (date, read) => {
  expect(formatDicomDate(date)).toBe(read);
});

it.each([
  ['081530.000000', '08:15'],
  ['08:15:30', '08:15'],
  ['08', '08'],
  ['', ''],
])('time %j reads %j', (time, read) => {
  expect(formatDicomTime(time)).toBe(read);
});

it('writes a day as a DICOM date', () => {
  expect(toDicomDate(new Date(2026, 0, 5))).toBe('20260105');
});
