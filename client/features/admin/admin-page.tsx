import { Alert, Skeleton, Stack, Tabs, Title } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { errorText } from '../../ui/error-text.ts';
import { Page } from '../../ui/page.tsx';
import { useServices } from '../../ui/services.tsx';
import { useStore } from '../../ui/use-store.ts';
import { AuditTab } from './audit-tab.tsx';
import { NodesTab } from './nodes-tab.tsx';
import { OverviewTab } from './overview-tab.tsx';
import { SessionsTab } from './sessions-tab.tsx';
import { StorageTab } from './storage-tab.tsx';
import { useAdmin } from './use-admin.ts';
import './admin.css';

const text = strings.admin;
const tabs = ['overview', 'nodes', 'sessions', 'storage', 'audit'] as const;

/** What runs where, who waits, and who did what. */
export function AdminPage(): ReactNode {
  const { login } = useServices();
  const { roles } = useStore(login.state);
  return (
    <Page>
      {roles.includes('admin') ? (
        <Administration />
      ) : (
        <Alert color="red" variant="light" data-testid="admin-refused">
          {text.refused}
        </Alert>
      )}
    </Page>
  );
}

function Administration(): ReactNode {
  const { snapshot, error, samples } = useAdmin();
  return (
    <Stack gap="md">
      <Title order={1} size="h2" fw={600}>
        {text.title}
      </Title>
      {error !== null && (
        <Alert color="red" variant="light" icon={<IconAlertTriangle />}>
          {errorText(error).help}
        </Alert>
      )}
      <Tabs defaultValue="overview" keepMounted={false}>
        <Tabs.List>
          {tabs.map((tab) => (
            <Tabs.Tab key={tab} value={tab} data-testid={`admin-tab-${tab}`}>
              {text.tabs[tab]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {!snapshot && <Skeleton h={200} mt="md" />}
        {snapshot && (
          <>
            <Tabs.Panel value="overview" pt="md">
              <OverviewTab snapshot={snapshot} samples={samples} />
            </Tabs.Panel>
            <Tabs.Panel value="nodes" pt="md">
              <NodesTab nodes={snapshot.nodes.filter(({ kind }) => kind === 'render')} />
            </Tabs.Panel>
            <Tabs.Panel value="sessions" pt="md">
              <SessionsTab sessions={snapshot.sessions} />
            </Tabs.Panel>
            <Tabs.Panel value="storage" pt="md">
              <StorageTab nodes={snapshot.nodes.filter(({ kind }) => kind === 'storage')} />
            </Tabs.Panel>
            <Tabs.Panel value="audit" pt="md">
              <AuditTab />
            </Tabs.Panel>
          </>
        )}
      </Tabs>
    </Stack>
  );
}
