import type { PoolPolicy } from '@medusa/protocol';

/** Wall clock in some time zone. `day` counts from the Monday 1 as ISO 8601; `date` is YYYY-MM-DD. */
export type LocalTime = { readonly date: string; readonly day: number; readonly minute: number };

const dayNames = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const formats = new Map<string, Intl.DateTimeFormat>();

/** Whether the IANA time zone database of this runtime has a zone of that name. */
export function isTimeZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/** Throws a RangeError when there is no such zone. */
export function localTime(at: Date, timeZone: string): LocalTime {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const read = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
  return {
    date: `${read('year')}-${read('month')}-${read('day')}`,
    day: dayNames.indexOf(read('weekday')) + 1,
    minute: Number(read('hour')) * 60 + Number(read('minute')),
  };
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  formats.set(timeZone, format);
  return format;
}

type Window = PoolPolicy['schedule'][number];

/**
 * Whether a window of the week is open. It goes by the wall clock: one that ends at or before it begins goes on past midnight and
 * belongs to the day it began on; an hour that daylight saving leaves out is not in it, one that comes twice is in it twice.
 */
export function isOpen({ days, from, to }: Window, { day, minute }: LocalTime): boolean {
  const begin = minuteOf(from);
  const end = minuteOf(to);
  if (begin < end) return days.includes(day) && minute >= begin && minute < end;
  const yesterday = day === 1 ? 7 : day - 1;
  return (days.includes(day) && minute >= begin) || (days.includes(yesterday) && minute < end);
}

function minuteOf(time: string): number {
  const [hours = '', minutes = ''] = time.split(':');
  return Number(hours) * 60 + Number(minutes);
}
