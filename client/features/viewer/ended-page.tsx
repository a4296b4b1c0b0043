import { Button, Group, Text } from '@mantine/core';
import type { SessionView } from '@medusa/protocol';
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { useCanLaunch } from '../../ui/use-roles.ts';
import { errorText } from '../../ui/error-text.ts';
import { Notice } from '../../ui/notice.tsx';
import { Waterfall } from '../../ui/waterfall.tsx';

const text = strings.viewer;

/** After the end: why it ended, and the way on. */
export function EndedPage({ session }: { session: SessionView }): ReactNode {
  return session.state === 'failed' ? <FailedPage session={session} /> : <ClosedPage session={session} />;
}

function FailedPage({ session }: { session: SessionView }): ReactNode {
  return (
    <Notice
      title={text.failedTitle}
      isError
      testId="session-failed"
      icon={<IconAlertTriangle size={36} color="var(--mantine-color-red-5)" aria-hidden />}
      actions={<WaysOn session={session} again={strings.common.tryAgain} />}
    >
      <Reason session={session} reason={session.failure?.detail} />
      {session.steps.length > 0 && <Waterfall steps={session.steps} />}
    </Notice>
  );
}

function ClosedPage({ session }: { session: SessionView }): ReactNode {
  return (
    <Notice
      title={text.closedTitle}
      testId="session-closed"
      icon={<IconCircleCheck size={36} color="var(--mantine-color-teal-4)" aria-hidden />}
      actions={<WaysOn session={session} again={text.reopen} />}
    >
      <Reason session={session} reason={session.closeReason} />
    </Notice>
  );
}

function Reason(props: { session: SessionView; reason: string | null | undefined }): ReactNode {
  return (
    <div>
      <Text fw={500}>{props.session.studyTitle}</Text>
      {props.reason && (
        <Text c="dimmed" data-testid="end-reason">
          {props.reason}
        </Text>
      )}
    </div>
  );
}

function WaysOn({ session, again }: { session: SessionView; again: string }): ReactNode {
  const navigate = useNavigate();
  const { studyInstanceUID: study, applicationId: application, mode, priority } = session;
  const isLauncher = useCanLaunch();
  return (
    <Group>
      {isLauncher && (
        <Button
          onClick={() => void navigate({ to: '/open', search: { study, application, mode, priority } })}
          data-testid="try-again"
        >
          {again}
        </Button>
      )}
      <Button variant="default" onClick={() => void navigate({ to: '/' })} data-testid="to-worklist">
        {strings.common.back}
      </Button>
    </Group>
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
