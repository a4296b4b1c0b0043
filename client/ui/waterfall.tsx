import { Text } from '@mantine/core';
import type { SessionStep } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../strings/en.ts';
import './waterfall.css';

/** The steps of a start-up as bars on one time line. */
export function Waterfall({ steps }: { steps: readonly SessionStep[] }): ReactNode {
  const total = Math.max(1, ...steps.map(({ endMs }) => endMs));
  const percent = (ms: number): string => `${(ms / total) * 100}%`;
  return (
    <ol className="waterfall" data-testid="waterfall">
      {steps.map(({ step, startMs, endMs }) => (
        <li key={step} data-step={step}>
          <Text size="sm" truncate>
            {strings.steps[step] ?? step}
          </Text>
          <div className="waterfall-track">
            <div
              className="waterfall-bar"
              data-client={step.startsWith('client.') || undefined}
              style={{ left: percent(startMs), width: `max(3px, ${percent(Math.max(0, endMs - startMs))})` }}
            />
          </div>
          <Text size="xs" c="dimmed" ta="right" className="medusa-numeric">
            {strings.viewer.ms(endMs - startMs)}
          </Text>
        </li>
      ))}
    </ol>
  );
}
