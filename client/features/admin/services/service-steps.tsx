import { Button, Text } from '@mantine/core';
import type { ServiceStep } from '@medusa/protocol';
import { useId, useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { formatInstant } from '../format-instant.ts';

const text = strings.services;
const mostSteps = 60;
const colours: Readonly<Record<ServiceStep['outcome'], string>> = {
  ok: 'dimmed',
  failed: 'red.4',
  'not-carried-out': 'yellow.4',
};

/** What was done for a service, step by step, when that is asked for. */
export function ServiceSteps({ label, steps }: { label: string; steps: readonly ServiceStep[] }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  if (steps.length === 0) return null;
  return (
    <div>
      <Button
        size="compact-xs"
        variant="subtle"
        color="gray"
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
        data-testid="service-steps"
      >
        {isOpen ? text.hideSteps : text.showSteps(steps.length)}
      </Button>
      <div id={id}>{isOpen && <Lines label={label} steps={steps} />}</div>
    </div>
  );
}

function Lines({ label, steps }: { label: string; steps: readonly ServiceStep[] }): ReactNode {
  return (
    <>
      <ul className="event-lines" aria-label={label} data-testid="service-step-lines">
        {steps
          .toReversed()
          .slice(0, mostSteps)
          .map(({ at, node, text: words, outcome, durationMs }, index) => (
            <li key={`${index} ${at}`} data-outcome={outcome}>
              <Text size="xs" c="dimmed" className="medusa-numeric">
                {formatInstant(at)}
              </Text>
              <Text size="xs" c={colours[outcome]}>
                {text.outcomes[outcome]}
              </Text>
              <Text size="sm">
                {node !== '' && <strong>{node}: </strong>}
                {words}
                {durationMs !== null && (
                  <Text span size="xs" c="dimmed" className="medusa-numeric">
                    {' '}
                    {strings.provision.seconds(durationMs / 1_000)}
                  </Text>
                )}
              </Text>
            </li>
          ))}
      </ul>
      {steps.length > mostSteps && (
        <Text size="xs" c="dimmed">
          {text.olderSteps(steps.length - mostSteps)}
        </Text>
      )}
    </>
  );
}
