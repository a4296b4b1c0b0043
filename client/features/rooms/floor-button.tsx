import { Button } from '@mantine/core';
import { IconHandStop } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Room } from '../../core/room.ts';
import { strings } from '../../strings/en.ts';
import { useFloor } from './use-floor.ts';

const text = strings.room;

/** The one thing that one can do about control right now. Hidden while it is one's own: then there is nothing to do. */
export function FloorButton({ room }: { room: Room }): ReactNode {
  const floor = useFloor(room);
  if (floor.isYours || !floor.you) return null;
  if (floor.canTake)
    return (
      <Button
        size="compact-sm"
        leftSection={<IconHandStop size={16} />}
        onClick={floor.take}
        data-testid="take-floor"
      >
        {text.take}
      </Button>
    );
  return (
    <Button
      size="compact-sm"
      variant="light"
      leftSection={<IconHandStop size={16} />}
      onClick={floor.request}
      disabled={floor.hasAsked}
      data-testid="request-floor"
    >
      {floor.hasAsked ? text.requested : text.request}
    </Button>
  );
}
