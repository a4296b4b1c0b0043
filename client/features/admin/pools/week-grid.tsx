import { Text } from '@mantine/core';
import type { PoolPolicy } from '@medusa/protocol';
import { useMemo, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { weekOf } from './week.ts';

const text = strings.provision.pools;
const cell = { width: 20, height: 16 };
const left = 26;
const top = 14;

/** The hours of a week, darker where more nodes are kept; the numbers say the same. */
export function WeekGrid({ policy }: { policy: Pick<PoolPolicy, 'min' | 'schedule'> }): ReactNode {
  const week = useMemo(() => weekOf(policy), [policy]);
  const least = Math.min(...week.flat());
  const span = Math.max(1, ...week.flat().map((nodes) => nodes - least));
  return (
    <div>
      <Text size="xs" c="dimmed" mb={4}>
        {text.week}
      </Text>
      <svg
        className="week-grid"
        viewBox={`0 0 ${left + 24 * cell.width} ${top + 7 * cell.height}`}
        role="img"
        aria-label={inWords(week)}
        data-testid="week-grid"
      >
        {[0, 6, 12, 18].map((hour) => (
          <text key={hour} x={left + hour * cell.width} y={top - 4}>
            {String(hour).padStart(2, '0')}:00
          </text>
        ))}
        {week.map((day, index) => (
          <g key={text.days[index]} transform={`translate(0 ${top + index * cell.height})`}>
            <text x={0} y={12}>
              {text.days[index]}
            </text>
            {day.map((nodes, hour) => (
              <g key={hour} transform={`translate(${left + hour * cell.width} 0)`}>
                <rect
                  width={cell.width - 1}
                  height={cell.height - 1}
                  rx={2}
                  className="week-cell"
                  style={{ fillOpacity: 0.12 + (0.68 * (nodes - least)) / span }}
                />
                {nodes > 0 && (
                  <text x={cell.width / 2} y={11} textAnchor="middle" className="week-number">
                    {shortly(nodes)}
                  </text>
                )}
              </g>
            ))}
          </g>
        ))}
      </svg>
    </div>
  );
}

/** A cell has room for three characters. */
function shortly(nodes: number): string {
  return nodes < 1_000 ? String(nodes) : `${Math.floor(nodes / 1_000)}k`;
}

function inWords(week: readonly (readonly number[])[]): string {
  const days = week.map((day, index) => `${text.dayNames[index] ?? ''} ${day.join(' ')}`);
  return `${text.week}: ${days.join('; ')}`;
}
