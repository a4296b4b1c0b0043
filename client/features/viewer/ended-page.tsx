import { Button, Group, Text } from '@mantine/core';
import type { SessionView } from '@medusa/protocol';
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { errorText } from '../../ui/error-text.ts';
import { Notice } from '../../ui/notice.tsx';
import { Waterfall } from '../../ui/waterfall.tsx';

const text = strings.viewer;

/** After the end: why it ended, and the way on. */
export function EndedPage({ session }: { session: SessionView }): ReactNode {
  const navigate = useNavigate();
  const hasFailed = session.state === 'failed';
  const reopen = (): void =>
    void navigate({
      to: '/open',
      search: { study: session.studyInstanceUID, application: session.applicationId, mode: session.mode },
    });
  const reason = hasFailed ? (session.failure?.detail ?? '') : (session.closeReason ?? '');
  return (
    <Notice
      title={hasFailed ? text.failedTitle : text.closedTitle}
      isError={hasFailed}
      testId={hasFailed ? 'session-failed' : 'session-closed'}
      icon={
        hasFailed ? (
          <IconAlertTriangle size={36} color="var(--mantine-color-red-5)" aria-hidden />
        ) : (
          <IconCircleCheck size={36} color="var(--mantine-color-teal-4)" aria-hidden />
        )
      }
      actions={
        <Group>
          <Button onClick={reopen} data-testid="try-again">
            {hasFailed ? strings.common.tryAgain : text.reopen}
          </Button>
          <Button variant="default" onClick={() => void navigate({ to: '/' })} data-testid="to-worklist">
            {strings.common.back}
          </Button>
        </Group>
      }
    >
      <Text fw={500}>{session.studyTitle}</Text>
      {reason !== '' && (
        <Text c="dimmed" data-testid="end-reason">
          {reason}
        </Text>
      )}
      {!hasFailed && <Text c="dimmed">{text.closedHelp}</Text>}
      {hasFailed && session.steps.length > 0 && <Waterfall steps={session.steps} />}
    </Notice>
  );
}

/** The broker does not let this user in, or knows no such session. */
export function RefusedPage({ title, error }: { title: string; error?: unknown }): ReactNode {
  const navigate = useNavigate();
  const told = error === undefined ? undefined : errorText(error);
  return (
    <Notice
      title={title}
      isError
      testId="session-refused"
      actions={
        <div>
          <Button onClick={() => void navigate({ to: '/' })}>{strings.common.back}</Button>
        </div>
      }
    >
      {told ? `${told.title}. ${told.help}` : ''}
    </Notice>
  );
}
