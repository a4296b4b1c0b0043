import { Group, Paper, Text } from '@mantine/core';
import { useEffect, useRef, type ReactNode } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

type Props = {
  readonly title: string;
  /** Seconds since the epoch. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** The axis reaches at least this far, so that noise does not look like a mountain. */
  readonly atLeast: number;
  /** How far back it reaches. */
  readonly spanSeconds?: number;
};
export type Line = {
  /** Shown where there are several. */
  readonly label: string;
  readonly values: readonly number[];
  readonly colour: string;
  /** Filled down to the axis, drawn dashed, or neither. */
  readonly look?: 'filled' | 'dashed';
};

const tenMinutes = 600;
const axisColours = { stroke: '#94a0ac', grid: { stroke: '#1d242b' }, ticks: { stroke: '#1d242b' } };

/** A few small lines over the last minutes. */
export function LineChart({ title, times, lines, atLeast, spanSeconds = tenMinutes }: Props): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot>(undefined);
  // What a line looks like never changes while it is shown; its values do.
  const looks = JSON.stringify(lines.map(({ label, colour, look }) => ({ label, colour, look })));

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const shown = JSON.parse(looks) as Omit<Line, 'values'>[];
    const created = new UPlot(
      {
        width: element.clientWidth,
        height: 150,
        legend: { show: false },
        cursor: { y: false },
        scales: {
          x: { range: (_self, _min, max) => [max - spanSeconds, max] },
          y: { range: (_self, _min, max) => [0, Math.max(atLeast, max * 1.1)] },
        },
        axes: [
          { ...axisColours, font: '11px sans-serif' },
          { ...axisColours, font: '11px sans-serif', size: 42 },
        ],
        series: [{}, ...shown.map(seriesOf)],
      },
      [[], ...shown.map(() => [])],
      element,
    );
    chart.current = created;
    const observer = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height: 150 }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      created.destroy();
    };
  }, [atLeast, looks, spanSeconds]);

  useEffect(() => {
    chart.current?.setData([[...times], ...lines.map(({ values }) => [...values])]);
  }, [times, lines, looks, atLeast, spanSeconds]);

  return (
    <Paper bg="var(--medusa-surface)" withBorder p="sm">
      <Group justify="space-between" mb={4} gap="xs">
        <Text size="xs" c="dimmed">
          {title}
        </Text>
        {lines.length > 1 && (
          <Group gap="sm">
            {lines.map(({ label, colour, look }) => (
              <Text key={label} size="xs" c="dimmed" className="chart-key">
                <svg width="18" height="6" aria-hidden="true">
                  <line
                    {...{ x1: 0, x2: 18, y1: 3, y2: 3 }}
                    stroke={colour}
                    strokeWidth="2"
                    {...(look === 'dashed' ? { strokeDasharray: '4 3' } : {})}
                  />
                </svg>
                {label}
              </Text>
            ))}
          </Group>
        )}
      </Group>
      <div ref={box} role="img" aria-label={title} />
    </Paper>
  );
}

function seriesOf({ label, colour, look }: Omit<Line, 'values'>): UPlot.Series {
  return {
    label,
    stroke: colour,
    width: 1.5,
    points: { show: false },
    ...(look === 'filled' ? { fill: `${colour}22` } : {}),
    ...(look === 'dashed' ? { dash: [6, 4] } : {}),
  };
}
