import { Button, Group, Loader, Paper, Text } from '@mantine/core';
import { IconPlayerRecord } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { notYetAgreed } from '../../core/recording-consent.ts';
import type { Room } from '../../core/room.ts';
import { strings } from '../../strings/en.ts';
import { useRecording } from './use-recording.ts';
import './recordings.css';

const text = strings.recordings;

/** Over everybody's picture while it is asked for: who asks, what is recorded, and one's own answer. */
export function RecordingRequest({ room }: { room: Room }): ReactNode {
  const asked = useRecording(room);
  const { recording, view } = asked;
  const isShown = recording !== null && view !== null && recording.phase !== 'on';
  return (
    <div aria-live="assertive">
      {isShown && (
        <Paper
          className="recording-request"
          withBorder
          shadow="md"
          p="md"
          role="group"
          aria-label={text.asks(recording.askedByName)}
          data-testid="recording-request"
          data-phase={recording.phase}
        >
          {asked.hasAgreed ? (
            <Waiting {...asked} names={notYetAgreed(view)} isStarting={recording.phase === 'starting'} />
          ) : (
            <Question name={recording.askedByName} answer={asked.answer} />
          )}
        </Paper>
      )}
    </div>
  );
}

function Question({ name, answer }: { name: string; answer: (agrees: boolean) => void }): ReactNode {
  return (
    <>
      <Group gap="xs" wrap="nowrap">
        <IconPlayerRecord size={18} color="var(--mantine-color-red-5)" aria-hidden />
        <Text fw={600}>{text.asks(name)}</Text>
      </Group>
      <Text size="sm" c="dimmed" mt={4}>
        {text.what} {text.when}
      </Text>
      <Group gap="sm" mt="sm">
        <Button size="xs" onClick={() => answer(true)} data-testid="agree-recording">
          {text.agree}
        </Button>
        <Button size="xs" variant="default" onClick={() => answer(false)} data-testid="decline-recording">
          {text.decline}
        </Button>
      </Group>
    </>
  );
}

function Waiting(props: {
  names: readonly string[];
  isStarting: boolean;
  isAsker: boolean;
  stop: () => void;
}): ReactNode {
  const { names, isStarting, isAsker, stop } = props;
  const list = names.join(', ');
  const said = isAsker ? text.waiting(list) : text.agreed(list);
  return (
    <Group gap="sm" wrap="nowrap" justify="space-between">
      <Group gap="sm" wrap="nowrap">
        <Loader size="xs" />
        <Text size="sm">{isStarting ? text.starting : said}</Text>
      </Group>
      {!isStarting && (
        <Button size="compact-sm" variant="default" onClick={stop} data-testid="withdraw-recording">
          {isAsker ? text.takeBack : text.decline}
        </Button>
      )}
    </Group>
  );
}
