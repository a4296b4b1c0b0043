import { Badge, Tooltip } from '@mantine/core';
import type { SessionPriority } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../strings/en.ts';

const { names, help } = strings.priority;
const colours: Readonly<Record<SessionPriority, string>> = { stat: 'red', high: 'yellow', routine: 'gray' };

/** How soon a session must be seen, and what that means in the queue. */
export function PriorityBadge({ priority }: { priority: SessionPriority }): ReactNode {
  return (
    <Tooltip label={help[priority]} multiline maw={320}>
      <Badge
        variant="light"
        radius="sm"
        miw="max-content"
        color={colours[priority]}
        data-testid="session-priority"
        data-priority={priority}
      >
        {names[priority]}
      </Badge>
    </Tooltip>
  );
}
