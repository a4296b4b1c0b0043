import { Group, Paper, Text } from '@mantine/core';
import { useEffect, useRef, type ReactNode } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export type Curve = {
  readonly label: string;
  readonly colour: string;
  readonly isDashed: boolean;
  /** null: beyond all bounds. */
  readonly values: readonly (number | null)[];
};

type Props = {
  readonly title: string;
  readonly xLabel: string;
  /** Ascending. */
  readonly xs: readonly number[];
  readonly curves: readonly Curve[];
  /** The axis ends here at the latest: what grows without end must not hide the rest. */
  readonly atMost: number;
};

const axisColours = { stroke: '#94a0ac', grid: { stroke: '#1d242b' }, ticks: { stroke: '#1d242b' } };
const heightPx = 220;
/** Of the axis below: there is no half a node. */
const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** Some values over a number, e.g. of nodes. */
export function CurveChart({ title, xLabel, xs, curves, atMost }: Props): ReactNode {
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const chart = new UPlot(
      { width: element.clientWidth, ...lookOf({ xLabel, curves, atMost }) },
      [[...xs], ...curves.map(({ values }) => [...values])],
      element,
    );
    const observer = new ResizeObserver(() =>
      chart.setSize({ width: element.clientWidth, height: heightPx }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [atMost, curves, xLabel, xs]);

  return (
    <Paper bg="var(--medusa-surface)" withBorder p="sm">
      <Group justify="space-between" mb={4} gap="xs">
        <Text size="xs" c="dimmed">
          {title}
        </Text>
        <Key curves={curves} />
      </Group>
      <div ref={box} role="img" aria-label={title} />
    </Paper>
  );
}

function lookOf({
  xLabel,
  curves,
  atMost,
}: Pick<Props, 'xLabel' | 'curves' | 'atMost'>): Omit<UPlot.Options, 'width'> {
  return {
    height: heightPx,
    legend: { show: false },
    cursor: { y: false },
    scales: {
      x: { time: false },
      y: { range: (_self, _min, max) => [0, Math.min(atMost, Math.max(max * 1.1, 0.001))] },
    },
    axes: [
      {
        ...axisColours,
        font: '11px sans-serif',
        incrs: steps,
        label: xLabel,
        labelSize: 16,
        labelFont: '11px sans-serif',
      },
      { ...axisColours, font: '11px sans-serif', size: 52 },
    ],
    series: [
      {},
      ...curves.map(({ label, colour, isDashed }) => ({
        ...{ label, stroke: colour, width: 1.5, spanGaps: false },
        points: { show: !isDashed, size: 5 },
        ...(isDashed ? { dash: [6, 4] } : {}),
      })),
    ],
  };
}

function Key({ curves }: Pick<Props, 'curves'>): ReactNode {
  return (
    <Group gap="sm">
      {curves.map(({ label, colour, isDashed }) => (
        <Text key={label} size="xs" c="dimmed" className="chart-key">
          <svg width="18" height="6" aria-hidden="true">
            <line
              {...{ x1: 0, x2: 18, y1: 3, y2: 3 }}
              stroke={colour}
              strokeWidth="2"
              {...(isDashed ? { strokeDasharray: '4 3' } : {})}
            />
          </svg>
          {label}
        </Text>
      ))}
    </Group>
  );
}
