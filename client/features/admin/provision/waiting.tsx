import { Group, Progress, Text } from '@mantine/core';
import type { ResourceView } from '@medusa/protocol';
import { useEffect, useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';

const text = strings.provision.node;

/** The time, told again every second. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** What a resource waits for, since when, and how long that usually takes. */
export function Waiting(props: {
  waiting: NonNullable<ResourceView['waiting']>;
  nextTryAt: string | null;
  now: number;
}): ReactNode {
  const { waiting, nextTryAt, now } = props;
  const seconds = Math.max(0, (now - Date.parse(waiting.since)) / 1_000);
  const typical = waiting.typicalSeconds;
  const isLate = typical !== null && seconds > typical * 1.5;
  return (
    <div data-testid="waiting">
      <Group justify="space-between" gap="xs">
        <Text size="sm">{text.waiting(waiting.step)}</Text>
        <Text size="xs" c={isLate ? 'yellow.4' : 'dimmed'} className="medusa-numeric">
          {text.since(strings.provision.seconds(Math.round(seconds)))},{' '}
          {typical === null ? text.noTypical : text.usually(strings.provision.seconds(typical))}
          {isLate && `: ${text.late}`}
        </Text>
      </Group>
      <Progress
        mt={4}
        size="sm"
        animated
        color={isLate ? 'yellow' : 'teal'}
        value={typical === null ? 100 : Math.min(100, (seconds / Math.max(typical, 1)) * 100)}
        aria-label={text.waiting(waiting.step)}
      />
      {nextTryAt !== null && Date.parse(nextTryAt) > now && (
        <Text size="xs" c="dimmed" mt={4} className="medusa-numeric">
          {text.nextTry(new Date(nextTryAt).toLocaleTimeString('sv-SE'))}
        </Text>
      )}
    </div>
  );
}
