import type { Reservation } from '@medusa/protocol';

type Span = Pick<Reservation, 'startsAt' | 'endsAt'>;

/** The part of a reservation that lies in one day. */
export type Bar<Kept extends Span = Reservation> = {
  readonly reservation: Kept;
  /** Of the day, 0 to 1. */
  readonly from: number;
  readonly to: number;
  /** Those at the same time lie below each other. */
  readonly lane: number;
};
export type Day<Kept extends Span = Reservation> = {
  readonly begins: Date;
  readonly ends: Date;
  readonly lanes: number;
  readonly bars: readonly Bar<Kept>[];
};

/** The local midnight with which the week of that moment begins, so many weeks later. */
export function weekBegin(at: Date, weeksLater = 0): Date {
  const sinceMonday = (at.getDay() + 6) % 7;
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() - sinceMonday + 7 * weeksLater);
}

/** The seven days of a week with what is reserved in them. A day with a clock change is as long as it is. */
export function daysOfWeek<Kept extends Span>(
  reservations: readonly Kept[],
  begin: Date,
): readonly Day<Kept>[] {
  return Array.from({ length: 7 }, (_, index) => {
    const midnight = (day: number): Date =>
      new Date(begin.getFullYear(), begin.getMonth(), begin.getDate() + day);
    return dayOf(reservations, midnight(index), midnight(index + 1));
  });
}

function dayOf<Kept extends Span>(reservations: readonly Kept[], begins: Date, ends: Date): Day<Kept> {
  const [fromMs, toMs] = [begins.getTime(), ends.getTime()];
  const share = (ms: number): number => (Math.min(toMs, Math.max(fromMs, ms)) - fromMs) / (toMs - fromMs);
  const laneEnds: number[] = [];
  const bars = reservations
    .map((reservation) => ({
      reservation,
      from: share(Date.parse(reservation.startsAt)),
      to: share(Date.parse(reservation.endsAt)),
    }))
    .filter(({ from, to }) => to > from)
    .toSorted((a, b) => a.from - b.from)
    .map((bar) => {
      const free = laneEnds.findIndex((end) => end <= bar.from);
      const lane = free === -1 ? laneEnds.length : free;
      laneEnds[lane] = bar.to;
      return { ...bar, lane };
    });
  return { begins, ends, lanes: Math.max(1, laneEnds.length), bars };
}

/** Those that share a moment with it. */
export function overlapping<Kept extends Span>(wanted: Span, known: readonly Kept[]): readonly Kept[] {
  const [from, to] = [Date.parse(wanted.startsAt), Date.parse(wanted.endsAt)];
  return known.filter(({ startsAt, endsAt }) => Date.parse(startsAt) < to && from < Date.parse(endsAt));
}

const halfHourMs = 30 * 60_000;

/** The next half hour, and the hour from then on, as `datetime-local` inputs have them. */
export function proposedTimes(now: Date): { readonly from: string; readonly until: string } {
  const from = Math.ceil(now.getTime() / halfHourMs) * halfHourMs;
  return { from: inputValue(new Date(from)), until: inputValue(new Date(from + 2 * halfHourMs)) };
}

/** A moment as a `datetime-local` input has it: in the reader's own time, to the minute. */
export function inputValue(at: Date): string {
  return at.toLocaleString('sv-SE').slice(0, 16).replace(' ', 'T');
}

/** What two such inputs say; undefined while they say nothing. */
export function spanOf(from: string, until: string): Span | undefined {
  const [start, end] = [new Date(from), new Date(until)];
  if (Number.isNaN(start.getTime()) || Number.isNaN(end.getTime())) return undefined;
  return { startsAt: start.toISOString(), endsAt: end.toISOString() };
}

/** From when until when, with the second date only where it is another one. */
export function timesText({ startsAt, endsAt }: Span): string {
  const [from, to] = [startsAt, endsAt].map((at) => inputValue(new Date(at)).replace('T', ' '));
  if (from === undefined || to === undefined) return '';
  return from.slice(0, 10) === to.slice(0, 10) ? `${from}–${to.slice(11)}` : `${from} – ${to}`;
}
