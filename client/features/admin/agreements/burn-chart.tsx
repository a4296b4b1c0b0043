import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { formatInstant } from '../format-instant.ts';
import { burnOf, type JudgedWindow } from './standing.ts';
import './agreements.css';

const text = strings.agreements;
/** In px. */
const bar = { width: 9, gap: 2, height: 70 };
/** Faster than this is as bad. */
const mostShown = 16;

/** The latest windows, in order: a glance tells since when something is wrong. */
export function WindowStrip({ windows }: { windows: readonly JudgedWindow[] }): ReactNode {
  const words = windows.map(({ windowTo, state }) => `${formatInstant(windowTo)}: ${text.states[state]}`);
  return (
    <svg
      className="window-strip"
      width={windows.length * (bar.width + bar.gap)}
      height={14}
      role="img"
      aria-label={`${text.strip}. ${words.at(-1) ?? ''}`}
    >
      {windows.map(({ windowTo, state }, index) => (
        <rect
          key={windowTo}
          {...{ x: index * (bar.width + bar.gap), y: state === 'Violated' ? 0 : 4, width: bar.width, rx: 2 }}
          height={state === 'Violated' ? 14 : 10}
          data-state={state}
        >
          <title>{words[index]}</title>
        </rect>
      ))}
    </svg>
  );
}

/** How fast each window used up the error budget; above the line it was too fast. */
export function BurnChart(props: { windows: readonly JudgedWindow[]; target: number }): ReactNode {
  const { windows, target } = props;
  const rates = windows.map((window) => burnOf(window, target));
  const top = Math.max(2, ...rates.map((rate) => Math.min(mostShown, rate ?? 0)));
  const width = Math.max(220, windows.length * (bar.width + bar.gap));
  const yOf = (rate: number): number => bar.height - (Math.min(rate, top) / top) * (bar.height - 4);
  return (
    <figure className="burn-chart">
      <Text component="figcaption" size="xs" c="dimmed">
        {text.burn}
      </Text>
      <svg
        width={width + 34}
        height={bar.height + 6}
        role="img"
        aria-label={text.burn}
        data-testid="burn-chart"
      >
        {windows.map(({ windowTo }, index) => {
          const rate = rates[index] ?? null;
          if (rate === null) return null;
          const y = Math.min(yOf(rate), bar.height - 2);
          return (
            <rect
              key={windowTo}
              {...{ x: index * (bar.width + bar.gap), y, width: bar.width, height: bar.height - y, rx: 1.5 }}
              data-fast={rate > 1}
            >
              <title>{text.burnAt(formatInstant(windowTo), rate.toFixed(1))}</title>
            </rect>
          );
        })}
        <line x1={0} x2={width} y1={yOf(1)} y2={yOf(1)} />
        <text x={width + 4} y={yOf(1) + 4}>
          1 ×
        </text>
        <text x={width + 4} y={12}>
          {top.toFixed(0)} ×
        </text>
      </svg>
    </figure>
  );
}
