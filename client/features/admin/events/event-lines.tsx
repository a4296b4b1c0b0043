import { Text } from '@mantine/core';
import type { ProvisionEvent } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { formatInstant } from '../format-instant.ts';

const text = strings.provision;

/** A few lines of the log, newest first, without a table around them. */
export function EventLines({ events }: { events: readonly ProvisionEvent[] }): ReactNode {
  if (events.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {text.node.noTimeline}
      </Text>
    );
  return (
    <ul className="event-lines">
      {events.map(({ sequence, at, kind, outcome, text: words, durationMs }) => (
        <li key={sequence} data-outcome={outcome}>
          <Text size="xs" c="dimmed" className="medusa-numeric admin-instant">
            {formatInstant(at)}
          </Text>
          <Text size="xs" c="dimmed">
            {text.events.kinds[kind]}
          </Text>
          <Text size="sm" {...(outcome === 'failed' ? { c: 'red.4' } : {})}>
            {words}
            {durationMs !== null && !words.endsWith(' s') && ` (${text.seconds(durationMs / 1_000)})`}
          </Text>
        </li>
      ))}
    </ul>
  );
}
