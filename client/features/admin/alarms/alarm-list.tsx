import { Badge, Group, Paper, Stack, Text } from '@mantine/core';
import type { Alarm } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { formatInstant } from '../format-instant.ts';
import { FailureNotice } from '../provision/loaded.tsx';
import { useAlarms } from './use-alarms.ts';

const text = strings.alarms;
const colours = { warning: 'yellow', critical: 'red' } as const;
const shownCleared = 5;

/** What should be seen to, in words, and what was lately. */
export function AlarmList(): ReactNode {
  const { data, error } = useAlarms();
  return (
    <Stack gap="xs" data-testid="alarms">
      {error && <FailureNotice error={error} title={text.failed} />}
      <div role="status">
        {data?.open.length === 0 && (
          <Text size="sm" c="dimmed">
            {text.none}
          </Text>
        )}
        <Stack gap="xs">
          {data?.open.map((alarm) => (
            <OpenAlarm key={alarm.id} alarm={alarm} />
          ))}
        </Stack>
      </div>
      {data && data.cleared.length > 0 && (
        <details>
          <summary className="admin-summary">{text.cleared}</summary>
          <Stack gap={2} pt={4}>
            {data.cleared.slice(0, shownCleared).map(({ id, words, raisedAt, clearedAt }) => (
              <Text key={id} size="xs" c="dimmed">
                {text.over(formatInstant(raisedAt), formatInstant(clearedAt))}: {words}
              </Text>
            ))}
          </Stack>
        </details>
      )}
    </Stack>
  );
}

function OpenAlarm({ alarm: { kind, severity, words, raisedAt } }: { alarm: Alarm }): ReactNode {
  return (
    <Paper withBorder p="xs" bg="var(--medusa-surface)" data-testid="alarm" data-kind={kind}>
      <Group gap="sm" wrap="nowrap">
        <Badge variant="light" radius="sm" color={colours[severity]}>
          {text.severity[severity]}
        </Badge>
        <Text size="sm" flex={1}>
          {words}
        </Text>
        <Text size="xs" c="dimmed" className="medusa-numeric">
          {text.since(formatInstant(raisedAt))}
        </Text>
      </Group>
    </Paper>
  );
}
