import { Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

type Props = {
  readonly icon?: ReactNode;
  readonly title: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
  readonly testId?: string;
  /** Errors interrupt a screen reader, everything else waits. */
  readonly isError?: boolean;
};

/** One thing to say, in the middle of a page. */
export function Notice({ icon, title, children, actions, testId, isError = false }: Props): ReactNode {
  return (
    <Stack className="medusa-notice" gap="md" role={isError ? 'alert' : 'status'} data-testid={testId}>
      {icon}
      <Title order={2} size="h3" fw={600}>
        {title}
      </Title>
      {typeof children === 'string' ? <Text c="dimmed">{children}</Text> : children}
      {actions}
    </Stack>
  );
}
