import { Alert, Skeleton, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { errorText } from '../../ui/error-text.ts';
import { Page } from '../../ui/page.tsx';
import { useServices } from '../../ui/services.tsx';
import { useRoles } from '../../ui/use-roles.ts';
import { RecordingTable, recordingsKey } from './recording-table.tsx';
import './recordings.css';

const text = strings.recordings;
const refetchMs = 5_000;

/** The recordings that one is on; for an administrator all, without what is on them. */
export function RecordingsPage(): ReactNode {
  const { api } = useServices();
  const isAdmin = useRoles().includes('admin');
  const { data, error, isPending } = useQuery({
    queryKey: recordingsKey,
    queryFn: async ({ signal }) => api.recordings.list(signal),
    refetchInterval: refetchMs,
  });
  return (
    <Page>
      <Stack gap="md">
        <div>
          <Title order={1} size="h2" fw={600}>
            {text.title}
          </Title>
          <Text size="sm" c="dimmed">
            {isAdmin ? text.leadAdmin : text.lead}
          </Text>
        </div>
        {error && (
          <Alert color="red" variant="light" icon={<IconAlertTriangle />} title={text.failed} role="alert">
            {errorText(error).help}
          </Alert>
        )}
        {isPending && <Skeleton h={200} role="status" aria-label={strings.common.loading} />}
        {data && data.length > 0 && <RecordingTable recordings={data} />}
        {data?.length === 0 && <Text>{isAdmin ? text.noneAdmin : text.none}</Text>}
      </Stack>
    </Page>
  );
}
