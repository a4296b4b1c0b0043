import { Badge, Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import type { SessionView } from '@medusa/protocol';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { PriorityBadge } from '../../ui/priority-badge.tsx';
import { useServices } from '../../ui/services.tsx';

const text = strings.sessions;
const ended: readonly SessionView['state'][] = ['closing', 'closed', 'failed'];
const refetchMs = 15_000;

/** Sessions that run and that one may go (back) to. Shows nothing if there are none, unless asked to say so. */
export function OpenSessions({ saysIfNone = false }: { saysIfNone?: boolean }): ReactNode {
  const sessions = useOpenSessions();
  if (!sessions || (sessions.length === 0 && !saysIfNone)) return null;
  return (
    <Stack gap="xs" data-testid="open-sessions">
      <Title order={2} size="sm" fw={600}>
        {saysIfNone ? text.invited : text.title}
      </Title>
      {sessions.length === 0 && <Text c="dimmed">{text.none}</Text>}
      {sessions.map((session) => (
        <SessionRow key={session.id} session={session} />
      ))}
    </Stack>
  );
}

function SessionRow({ session }: { session: SessionView }): ReactNode {
  const navigate = useNavigate();
  const { id, studyTitle, ownerName, applicationName, state, priority, queue } = session;
  return (
    <Paper
      bg="var(--medusa-surface)"
      withBorder
      px="md"
      py={8}
      data-testid="open-session"
      data-session-id={id}
    >
      <Group gap="md" wrap="nowrap">
        <Text size="sm" fw={600} truncate flex={1}>
          {studyTitle}
        </Text>
        <Text size="sm" c="dimmed">
          {applicationName}, {text.by(ownerName)}
        </Text>
        {priority !== 'routine' && <PriorityBadge priority={priority} />}
        {queue && (
          <Text size="xs" c="dimmed" className="medusa-numeric">
            {strings.viewer.queue(queue.position)}
          </Text>
        )}
        <Badge variant="light" radius="sm" size="sm">
          {strings.viewer.states[state]}
        </Badge>
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => void navigate({ to: '/sessions/$sessionId', params: { sessionId: id } })}
          data-testid="join-session"
        >
          {text.join}
        </Button>
      </Group>
    </Paper>
  );
}

function useOpenSessions(): readonly SessionView[] | undefined {
  const { api, realtime } = useServices();
  const { data, refetch } = useQuery({
    queryKey: ['sessions'],
    queryFn: async ({ signal }) => api.listSessions(signal),
    refetchInterval: refetchMs,
  });
  useEffect(() => {
    const listening = realtime.on('session.changed', () => void refetch());
    return () => listening[Symbol.dispose]();
  }, [realtime, refetch]);
  return data?.filter(({ state }) => !ended.includes(state));
}
