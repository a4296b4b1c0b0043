import { Badge, Tooltip } from '@mantine/core';
import type { NodeState, SessionState } from '@medusa/protocol';
import type { ReactNode } from 'react';

const colours: Readonly<Record<NodeState | SessionState, string>> = {
  ready: 'teal',
  streaming: 'teal',
  provisioning: 'blue',
  joining: 'blue',
  requested: 'blue',
  placing: 'blue',
  starting: 'blue',
  queued: 'yellow',
  suspended: 'yellow',
  draining: 'yellow',
  leaving: 'yellow',
  closing: 'yellow',
  absent: 'gray',
  closed: 'gray',
  lost: 'red',
  failed: 'red',
};

/** A state and, for who points at it, why. */
export function StateBadge({
  state,
  reason,
}: {
  state: NodeState | SessionState;
  reason: string;
}): ReactNode {
  return (
    <Tooltip label={reason} disabled={reason === ''} multiline maw={400}>
      <Badge variant="light" radius="sm" color={colours[state]} data-state={state}>
        {state}
      </Badge>
    </Tooltip>
  );
}
