import { expect, it } from 'vitest';
import { weekOf } from './week.ts';

it('shows the most that any rule wants in an hour, over midnight and over Sunday too', () => {
  const week = weekOf({
    min: 1,
    schedule: [
      { days: [1, 2], from: '07:30', to: '18:00', min: 6 },
      { days: [1], from: '08:00', to: '09:00', min: 4 },
      { days: [7], from: '22:00', to: '02:00', min: 3 },
    ],
  });

  expect(week).toHaveLength(7);
  expect([6, 7, 8, 17, 18].map((hour) => week[0]?.[hour])).toEqual([1, 6, 6, 6, 1]);
  expect(week[6]?.slice(20)).toEqual([1, 1, 3, 3]);
  expect(week[0]?.slice(0, 3)).toEqual([3, 3, 1]);
  expect(week[2]?.every((least) => least === 1)).toBe(true);
});
