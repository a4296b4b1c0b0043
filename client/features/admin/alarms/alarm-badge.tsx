import { Badge } from '@mantine/core';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useAlarms } from './use-alarms.ts';

const text = strings.alarms;

/** How many alarms are open, on the tab that lists them. */
export function AlarmBadge(): ReactNode {
  const open = useAlarms().data?.open ?? [];
  if (open.length === 0) return null;
  const isCritical = open.some(({ severity }) => severity === 'critical');
  return (
    <Badge
      size="sm"
      radius="sm"
      color={isCritical ? 'red' : 'yellow'}
      aria-label={text.open(open.length)}
      data-testid="alarm-badge"
    >
      {open.length}
    </Badge>
  );
}
