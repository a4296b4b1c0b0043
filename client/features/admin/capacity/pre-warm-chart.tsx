import { Group, Text } from '@mantine/core';
import type { PreWarmReport } from '@medusa/protocol';
import { useMemo, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { formatInstant } from '../format-instant.ts';
import { barParts, barsOf, type Bar, type BarPart } from './pre-warm-bars.ts';

const text = strings.capacity.preWarm;
const colours: Readonly<Record<BarPart, string>> = {
  ...{ hits: '#4fb9bd', late: '#c9a15f', unforeseen: '#55616d', misses: '#c9706f' },
};
const width = 1_100;
const height = 130;
const axis = { left: 26, bottom: 18, top: 6 };

/** What was foreseen, what was not, and what was foreseen in vain, over time. */
export function PreWarmChart({ report }: { report: PreWarmReport }): ReactNode {
  const { bars, top } = useMemo(() => barsOf(report.buckets), [report.buckets]);
  const step = (width - axis.left) / Math.max(1, bars.length);
  const scale = (height - axis.bottom - axis.top) / top;
  const base = height - axis.bottom;
  return (
    <div>
      <Group gap="md" mb={4}>
        {barParts.map((part) => (
          <Text key={part} size="xs" c="dimmed" className="chart-key">
            <svg width="10" height="10" aria-hidden="true">
              <rect width="10" height="10" rx="2" fill={colours[part]} />
            </svg>
            {text.parts[part]}
          </Text>
        ))}
      </Group>
      <svg
        className="pre-warm-chart"
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={text.chart}
        data-testid="pre-warm-chart"
      >
        {[0, top].map((count) => (
          <g key={count} transform={`translate(0 ${base - count * scale})`}>
            <line x1={axis.left} x2={width} stroke="var(--medusa-line)" />
            <text x={axis.left - 6} y={4} textAnchor="end">
              {count}
            </text>
          </g>
        ))}
        {bars.map((bar, index) => (
          <g key={bar.bucket.from} transform={`translate(${axis.left + index * step} 0)`}>
            <title>{inWords(bar)}</title>
            <rect width={step} height={base} fill="transparent" />
            {bar.parts.map(({ part, from, count }) => (
              <rect
                key={part}
                x={step * 0.15}
                y={base - (from + count) * scale}
                width={step * 0.7}
                height={count * scale}
                fill={colours[part]}
              />
            ))}
            {index % Math.ceil(bars.length / 7) === 0 && (
              <text x={step * 0.15} y={height - 4}>
                {labelOf(bar.bucket.from, report)}
              </text>
            )}
          </g>
        ))}
      </svg>
    </div>
  );
}

function inWords({ bucket, parts }: Bar): string {
  const counts = parts.map(({ part, count }) => `${text.parts[part]}: ${count}`);
  return [formatInstant(bucket.from), ...counts].join('\n');
}

/** The hour of a day, or the day of a longer time. */
function labelOf(from: string, { from: begin, to }: PreWarmReport): string {
  const isDay = Date.parse(to) - Date.parse(begin) <= 86_400_000;
  const local = formatInstant(from);
  return isDay ? local.slice(11, 16) : local.slice(5, 10);
}
