import { Button, Group, Paper, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Room } from '../../core/room.ts';
import { strings } from '../../strings/en.ts';
import { useStore } from '../../ui/use-store.ts';
import { useFloor } from './use-floor.ts';
import './rooms.css';

const text = strings.room;

/** Told to who has control: somebody asks for it. */
export function FloorToast({ room }: { room: Room }): ReactNode {
  const { isYours, give } = useFloor(room);
  const askedBy = useStore(room.floorRequest);
  const asker = useStore(room.view)?.participants.find(({ id }) => id === askedBy);
  const dismiss = (): void => room.floorRequest.set(null);
  return (
    <div aria-live="assertive">
      {isYours && asker && (
        <Paper className="floor-toast" withBorder shadow="md" p="sm" data-testid="floor-requested">
          <Group gap="sm" wrap="nowrap">
            <span className="room-dot" style={{ background: asker.colour }} />
            <Text size="sm" fw={500}>
              {text.asks(asker.name)}
            </Text>
            <Button
              size="compact-sm"
              onClick={() => {
                dismiss();
                give(asker.id);
              }}
              data-testid="give-floor"
            >
              {text.giveNow}
            </Button>
            <Button size="compact-sm" variant="default" onClick={dismiss} data-testid="keep-floor">
              {text.keep}
            </Button>
          </Group>
        </Paper>
      )}
    </div>
  );
}
