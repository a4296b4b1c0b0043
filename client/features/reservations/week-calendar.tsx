import { ActionIcon, Button, Group, Paper, Text } from '@mantine/core';
import type { Reservation } from '@medusa/protocol';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { useMemo, useState, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { daysOfWeek, inputValue, timesText, weekBegin, type Bar, type Day } from './week.ts';
import './reservations.css';

const text = strings.reservations;
const laneHeightPx = 22;
const hours = [0, 6, 12, 18, 24];

type Props = {
  readonly reservations: readonly Reservation[];
  /** Whose are one's own. */
  readonly mine: string;
  readonly now: Date;
};

/** What is reserved in a week, day below day. The table says the same in words. */
export function WeekCalendar({ reservations, mine, now }: Props): ReactNode {
  const [later, setLater] = useState(0);
  const begin = weekBegin(now, later);
  const beginMs = begin.getTime();
  const days = useMemo(() => daysOfWeek(reservations, new Date(beginMs)), [reservations, beginMs]);
  const last = days.at(-1)?.begins ?? begin;
  const week = text.week(inputValue(begin).slice(0, 10), inputValue(last).slice(0, 10));
  const count = new Set(days.flatMap(({ bars }) => bars.map(({ reservation }) => reservation.id))).size;
  return (
    <Paper component="section" bg="var(--medusa-surface)" withBorder p="md" aria-label={text.calendar}>
      <Group justify="space-between" mb="sm">
        <Text fw={600} className="medusa-numeric" aria-live="polite" data-testid="reservation-week">
          {week}
        </Text>
        <Group gap="xs">
          {later !== 0 && (
            <Button size="compact-sm" variant="default" onClick={() => setLater(0)}>
              {text.thisWeek}
            </Button>
          )}
          <ActionIcon
            variant="default"
            aria-label={text.previous}
            disabled={later === 0}
            onClick={() => setLater(later - 1)}
          >
            <IconChevronLeft size={16} />
          </ActionIcon>
          <ActionIcon variant="default" aria-label={text.next} onClick={() => setLater(later + 1)}>
            <IconChevronRight size={16} />
          </ActionIcon>
        </Group>
      </Group>
      <div
        className="week-calendar"
        role="img"
        aria-label={text.inWords(week, count)}
        data-testid="reservation-calendar"
      >
        <span />
        <div className="week-hours medusa-numeric">
          {hours.map((hour) => (
            <span key={hour} style={{ left: percent(hour / 24) }}>
              {String(hour).padStart(2, '0')}:00
            </span>
          ))}
        </div>
        {days.map((day) => (
          <DayRow key={day.begins.getTime()} day={day} mine={mine} now={now} />
        ))}
      </div>
    </Paper>
  );
}

function DayRow({ day, mine, now }: { day: Day } & Pick<Props, 'mine' | 'now'>): ReactNode {
  const { begins, ends, lanes, bars } = day;
  const isToday = begins <= now && now < ends;
  const weekday = strings.capacity.days7[(begins.getDay() + 6) % 7];
  const passed = (now.getTime() - begins.getTime()) / (ends.getTime() - begins.getTime());
  return (
    <>
      <span className="week-day medusa-numeric" data-today={isToday || undefined}>
        {weekday} {inputValue(begins).slice(5, 10)}
      </span>
      <div className="week-track" style={{ height: lanes * laneHeightPx + 4 }}>
        {bars.map((bar) => (
          <BarBox key={bar.reservation.id} bar={bar} isMine={bar.reservation.ownerId === mine} />
        ))}
        {isToday && <div className="week-now" title={text.now} style={{ left: percent(passed) }} />}
      </div>
    </>
  );
}

function BarBox({ bar, isMine }: { bar: Bar; isMine: boolean }): ReactNode {
  const { reservation, from, to, lane } = bar;
  const { slots, ownerName, title } = reservation;
  const words = [title, isMine ? '' : ownerName, text.slotCount(slots)]
    .filter((word) => word !== '')
    .join(' · ');
  return (
    <div
      className="week-bar"
      data-mine={isMine || undefined}
      data-testid="reservation-bar"
      title={`${timesText(reservation)} · ${words}`}
      style={{
        left: percent(from),
        width: percent(to - from),
        top: lane * laneHeightPx + 2,
        height: laneHeightPx - 2,
      }}
    >
      {words}
    </div>
  );
}

function percent(share: number): string {
  return `${share * 100}%`;
}
