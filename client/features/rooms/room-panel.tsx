import { Button, Group, Stack, Text, Tooltip } from '@mantine/core';
import type { Participant, SessionId } from '@medusa/protocol';
import { IconCrown } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Room } from '../../core/room.ts';
import { strings } from '../../strings/en.ts';
import { useStore } from '../../ui/use-store.ts';
import { Chat } from './chat.tsx';
import { Invite } from './invite.tsx';
import { useFloor, type Floor } from './use-floor.ts';
import './rooms.css';

const text = strings.room;

/** The people around one session: who they are, who has control, what they say. */
export function RoomPanel({ room, sessionId }: { room: Room; sessionId: SessionId }): ReactNode {
  const view = useStore(room.view);
  const floor = useFloor(room);
  if (!view) return null;
  return (
    <aside className="room-panel" aria-label={text.title} data-testid="room-panel">
      <Stack gap="xs" p="md">
        <Text size="xs" c="dimmed" tt="uppercase" fw={600}>
          {text.people}
        </Text>
        <ul className="room-roster" data-testid="roster">
          {view.participants.map((participant) => (
            <Seat key={participant.id} participant={participant} floor={floor} />
          ))}
        </ul>
        <FloorState floor={floor} />
        <Invite sessionId={sessionId} />
      </Stack>
      <Chat messages={view.chat} />
    </aside>
  );
}

function Seat({ participant, floor }: { participant: Participant; floor: Floor }): ReactNode {
  const { id, name, colour, isOwner, isConnected } = participant;
  const isHolder = floor.holder?.id === id;
  return (
    <li
      data-testid="participant"
      data-participant={id}
      data-connected={isConnected}
      data-has-control={isHolder}
    >
      <span
        className="room-dot"
        style={{ background: isConnected ? colour : 'transparent', borderColor: colour }}
      />
      <SeatName participant={participant} isYou={floor.you?.id === id} isHolder={isHolder} />
      {isOwner && (
        <Tooltip label={text.owner}>
          <IconCrown size={16} color="var(--mantine-color-yellow-5)" role="img" aria-label={text.owner} />
        </Tooltip>
      )}
      {floor.isYours && !isHolder && isConnected && (
        <Button
          size="compact-xs"
          variant="default"
          onClick={() => floor.give(id)}
          aria-label={text.giveTo(name)}
          data-testid="give-floor-to"
        >
          {text.give}
        </Button>
      )}
    </li>
  );
}

function SeatName(props: { participant: Participant; isYou: boolean; isHolder: boolean }): ReactNode {
  const { name, role, isConnected } = props.participant;
  return (
    <div className="room-name">
      <Text size="sm" fw={500} truncate c={isConnected ? 'dark.0' : 'dimmed'}>
        {name}
        {props.isYou && (
          <Text span size="sm" c="dimmed">
            {` (${text.you})`}
          </Text>
        )}
      </Text>
      <Text size="xs" c="dimmed">
        {isConnected ? strings.roles[role] : text.away}
        {props.isHolder && (
          <Text span size="xs" c="teal.4" fw={600}>
            {` · ${text.hasControl}`}
          </Text>
        )}
      </Text>
    </div>
  );
}

function FloorState({ floor }: { floor: Floor }): ReactNode {
  const said = floor.isYours ? text.release : floor.holder ? text.held(floor.holder.name) : text.free;
  return (
    <Group gap="xs" aria-live="polite">
      <Text size="sm" c="dimmed" data-testid="floor-state">
        {said}
      </Text>
    </Group>
  );
}
