import { Badge, Button, Group, Loader, Paper, Stack, Text, Title } from '@mantine/core';
import { sessionPrioritySchema, type SessionPriority, type SessionView } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { PriorityBadge } from '../../ui/priority-badge.tsx';
import { useStore } from '../../ui/use-store.ts';
import { Waterfall } from '../../ui/waterfall.tsx';
import type { ViewerSession } from './viewer-session.ts';

const text = strings.viewer;

/** What happens between the click and the picture, as it happens. */
export function StartupPage(props: {
  readonly viewer: ViewerSession;
  readonly leave: () => void;
  /** Gives this session up for one of another priority. */
  readonly askAs: (session: SessionView, priority: SessionPriority) => void;
}): ReactNode {
  const { viewer, leave, askAs } = props;
  const session = useStore(viewer.session);
  const clientSteps = useStore(viewer.clientSteps);
  const steps = [...(session?.steps ?? []), ...clientSteps];
  return (
    <Stack className="startup" gap="lg" data-testid="startup">
      <div>
        <Text c="dimmed" size="sm">
          {text.startup}
        </Text>
        <Title order={1} size="h3" fw={600}>
          {session?.studyTitle ?? strings.common.loading}
        </Title>
      </div>
      {session && <Progress session={session} />}
      {session?.state === 'queued' && viewer.launch && <OtherPriorities session={session} askAs={askAs} />}
      {steps.length > 0 && (
        <Paper bg="var(--medusa-surface)" withBorder p="md">
          <Waterfall steps={steps} />
        </Paper>
      )}
      <div>
        <Button variant="default" onClick={leave} data-testid="leave-button">
          {strings.common.cancel}
        </Button>
      </div>
    </Stack>
  );
}

function Progress({ session }: { session: SessionView }): ReactNode {
  const { state, queue, placement } = session;
  return (
    <div aria-live="polite">
      <Group gap="sm">
        <Loader size="sm" />
        <Badge variant="light" size="lg" radius="sm" data-testid="session-state" data-state={state}>
          {text.states[state]}
        </Badge>
        {session.mode === 'streamed' && <PriorityBadge priority={session.priority} />}
        {queue && <Queue queue={queue} />}
      </Group>
      {placement && (
        <Text size="sm" c="dimmed" mt="xs" data-testid="placement-reason">
          {text.placed}: {placement.reason}
        </Text>
      )}
    </div>
  );
}

function Queue({ queue }: { queue: NonNullable<SessionView['queue']> }): ReactNode {
  return (
    <div data-testid="queue-position" data-position={queue.position}>
      <Text size="sm" className="medusa-numeric">
        {text.queue(queue.position)} · {queue.etaSeconds === null ? text.noEta : text.eta(queue.etaSeconds)}
      </Text>
      <Text size="xs" c="dimmed">
        {queue.reason}
      </Text>
    </div>
  );
}

/** Whoever finds the queue too long for a case says so; only who asked for the session can. */
function OtherPriorities(props: {
  session: SessionView;
  askAs: (session: SessionView, priority: SessionPriority) => void;
}): ReactNode {
  const { session, askAs } = props;
  const { label, names, help, askAs: words, askHelp } = strings.priority;
  const others = sessionPrioritySchema.options.filter((priority) => priority !== session.priority);
  return (
    <div role="group" aria-label={label} data-testid="other-priorities">
      <Group gap="xs">
        {others.map((priority) => (
          <Button
            key={priority}
            size="xs"
            variant="default"
            title={help[priority]}
            onClick={() => askAs(session, priority)}
            data-testid={`ask-as-${priority}`}
          >
            {words(names[priority])}
          </Button>
        ))}
      </Group>
      <Text size="xs" c="dimmed" mt={4}>
        {askHelp}
      </Text>
    </div>
  );
}
