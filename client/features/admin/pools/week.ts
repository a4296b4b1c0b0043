import type { PoolPolicy } from '@medusa/protocol';

const hours = Array.from({ length: 24 }, (_, hour) => hour);

/**
 * How many nodes are kept at least, for each day (Monday first) and hour: the most that is wanted within that hour.
 * Hours that end before they begin go on into the next day.
 */
export function weekOf({
  min,
  schedule,
}: Pick<PoolPolicy, 'min' | 'schedule'>): readonly (readonly number[])[] {
  const week = Array.from({ length: 7 }, () => hours.map(() => min));
  for (const rule of schedule) {
    const from = minutesOf(rule.from);
    const to = minutesOf(rule.to);
    for (const day of rule.days)
      for (const hour of hours) {
        const isWithin = (start: number, end: number): boolean => hour * 60 < end && hour * 60 + 60 > start;
        if (from < to ? isWithin(from, to) : isWithin(from, 1_440)) raise(week[day - 1], hour, rule.min);
        if (from >= to && isWithin(0, to)) raise(week[day % 7], hour, rule.min);
      }
  }
  return week;
}

function raise(day: number[] | undefined, hour: number, least: number): void {
  if (day) day[hour] = Math.max(day[hour] ?? 0, least);
}

function minutesOf(time: string): number {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  return hour * 60 + minute;
}
