import { ActionIcon, Badge, Group, Tooltip } from '@mantine/core';
import { IconPlayerRecord, IconPlayerStopFilled } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Room } from '../../core/room.ts';
import { strings } from '../../strings/en.ts';
import { RecordingClock } from './recording-clock.tsx';
import { useRecording } from './use-recording.ts';
import './recordings.css';

const text = strings.recordings;

/** In everybody's bar: that it is recorded and for how long, and how to end that; for who may, how to ask for it. */
export function RecordingBar({ room }: { room: Room }): ReactNode {
  const { recording, canAsk, ask, stop } = useRecording(room);
  if (recording?.phase === 'on')
    return (
      <Group gap={4} wrap="nowrap">
        <Tooltip label={text.on(recording.askedByName)} multiline maw={320}>
          <Badge
            color="red"
            variant="filled"
            radius="sm"
            tt="none"
            className="recording-badge"
            leftSection={<span className="recording-light" aria-hidden />}
            data-testid="recording-badge"
          >
            {text.rec} <RecordingClock room={room} />
          </Badge>
        </Tooltip>
        <Tooltip label={text.stop}>
          <ActionIcon
            variant="subtle"
            color="red"
            aria-label={text.stop}
            onClick={stop}
            data-testid="stop-recording"
          >
            <IconPlayerStopFilled size={16} />
          </ActionIcon>
        </Tooltip>
      </Group>
    );
  if (!canAsk) return null;
  return (
    <Tooltip label={text.ask}>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={text.ask}
        onClick={ask}
        data-testid="record-button"
      >
        <IconPlayerRecord size={18} />
      </ActionIcon>
    </Tooltip>
  );
}
