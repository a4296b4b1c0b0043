import { Paper, Text } from '@mantine/core';
import { useEffect, useRef, type ReactNode } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

type Props = {
  readonly title: string;
  /** Seconds since the epoch. */
  readonly times: readonly number[];
  readonly values: readonly number[];
  /** The axis reaches at least this far, so that noise does not look like a mountain. */
  readonly atLeast: number;
  readonly colour: string;
};

const spanSeconds = 600;
const axisColours = { stroke: '#94a0ac', grid: { stroke: '#1d242b' }, ticks: { stroke: '#1d242b' } };

/** One small line over the last minutes. */
export function LineChart({ title, times, values, atLeast, colour }: Props): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot>(undefined);

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
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
        series: [{}, { stroke: colour, width: 1.5, fill: `${colour}22`, points: { show: false } }],
      },
      [[], []],
      element,
    );
    chart.current = created;
    const observer = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height: 150 }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      created.destroy();
    };
  }, [atLeast, colour]);

  useEffect(() => {
    chart.current?.setData([[...times], [...values]]);
  }, [times, values]);

  return (
    <Paper bg="var(--medusa-surface)" withBorder p="sm">
      <Text size="xs" c="dimmed" mb={4}>
        {title}
      </Text>
      <div ref={box} role="img" aria-label={title} />
    </Paper>
  );
}
