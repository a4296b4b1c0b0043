import { Button, Group } from '@mantine/core';
import { IconPlayerRecord } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Room } from '../../core/room.ts';
import { strings } from '../../strings/en.ts';
import { Notice } from '../../ui/notice.tsx';
import { useRecording } from './use-recording.ts';

const text = strings.recordings;

/** In place of the picture for who comes, or comes back, while it is recorded. */
export function RecordingGate({ room, leave }: { room: Room; leave: () => void }): ReactNode {
  const { recording, answer } = useRecording(room);
  return (
    <Notice
      title={text.gateTitle}
      testId="recording-gate"
      icon={<IconPlayerRecord size={36} color="var(--mantine-color-red-5)" aria-hidden />}
      actions={
        <Group>
          <Button onClick={() => answer(true)} data-testid="agree-recording">
            {text.gateAgree}
          </Button>
          <Button variant="default" onClick={leave} data-testid="leave-button">
            {text.gateLeave}
          </Button>
        </Group>
      }
    >
      {text.gateHelp(recording?.askedByName ?? '')}
      <br />
      {text.what}
    </Notice>
  );
}
