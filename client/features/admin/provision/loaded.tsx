import { Alert, Skeleton, Stack } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { errorText } from '../../../ui/error-text.ts';

type Props<Value> = { readonly query: UseQueryResult<Value>; readonly children: (value: Value) => ReactNode };

/** Shapes of what is coming, then what came; what is known stays on screen when asking again fails. */
export function Loaded<Value>({ query, children }: Props<Value>): ReactNode {
  return (
    <Stack gap="md">
      {query.error && <FailureNotice error={query.error} title={strings.provision.failed} />}
      {query.isPending && (
        <Stack gap="xs" aria-label={strings.common.loading} role="status">
          <Skeleton h={36} />
          <Skeleton h={120} />
        </Stack>
      )}
      {query.data !== undefined && children(query.data)}
    </Stack>
  );
}

export function FailureNotice({ error, title }: { error: unknown; title: string }): ReactNode {
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle />} title={title} role="alert">
      {errorText(error).help}
    </Alert>
  );
}
