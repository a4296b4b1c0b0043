import { Alert, Skeleton, Stack, Tabs, Title } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { errorText } from '../../ui/error-text.ts';
import { Page } from '../../ui/page.tsx';
import { useServices } from '../../ui/services.tsx';
import { useStore } from '../../ui/use-store.ts';
import { AuditTab } from './audit-tab.tsx';
import { adminTabs, type AdminTab } from './admin-search.ts';
import { AgreementsTab } from './agreements/agreements-tab.tsx';
import { AlarmBadge } from './alarms/alarm-badge.tsx';
import { CapacityTab } from './capacity/capacity-tab.tsx';
import { EntitiesTab } from './entities/entities-tab.tsx';
import { EventsTab } from './events/events-tab.tsx';
import { ManifestsTab } from './manifests/manifests-tab.tsx';
import { NetworksTab } from './networks/networks-tab.tsx';
import { NodesTab } from './nodes-tab.tsx';
import { OverviewTab } from './overview-tab.tsx';
import { PoolsTab } from './pools/pools-tab.tsx';
import { usePoolSamples } from './pools/use-pool-samples.ts';
import { ProvidersTab } from './providers/providers-tab.tsx';
import { ConfirmProvider } from './provision/plan-dialog.tsx';
import { useProvisionNews } from './provision/use-provision.ts';
import { ServicesTab } from './services/services-tab.tsx';
import { SessionsTab } from './sessions-tab.tsx';
import { StorageTab } from './storage-tab.tsx';
import { useAdmin } from './use-admin.ts';
import { VolumesTab } from './volumes/volumes-tab.tsx';
import './admin.css';

const text = strings.admin;
/** Those that show what the live link tells. */
const snapshotTabs: readonly AdminTab[] = ['overview', 'nodes', 'sessions', 'storage'];

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
  useProvisionNews();
  const poolSamples = usePoolSamples();
  const { tab = 'overview', resource } = useSearch({ from: '/admin' });
  const navigate = useNavigate();
  return (
    <ConfirmProvider>
      <Stack gap="md">
        <Title order={1} size="h2" fw={600}>
          {text.title}
        </Title>
        {error !== null && (
          <Alert color="red" variant="light" icon={<IconAlertTriangle />}>
            {errorText(error).help}
          </Alert>
        )}
        <Tabs
          value={tab}
          onChange={(next) =>
            void navigate({ to: '/admin', search: { tab: adminTabs.find((name) => name === next) } })
          }
          keepMounted={false}
        >
          <Tabs.List>
            {adminTabs.map((name) => (
              <Tabs.Tab
                key={name}
                value={name}
                px="sm"
                data-testid={`admin-tab-${name}`}
                {...(name === 'entities' && { rightSection: <AlarmBadge /> })}
              >
                {text.tabs[name]}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {!snapshot && snapshotTabs.includes(tab) && <Skeleton h={200} mt="md" />}
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
            </>
          )}
          <Tabs.Panel value="entities" pt="md">
            <EntitiesTab />
          </Tabs.Panel>
          <Tabs.Panel value="pools" pt="md">
            <PoolsTab samples={poolSamples} sessions={snapshot?.sessions ?? []} />
          </Tabs.Panel>
          <Tabs.Panel value="capacity" pt="md">
            <CapacityTab />
          </Tabs.Panel>
          <Tabs.Panel value="providers" pt="md">
            <ProvidersTab />
          </Tabs.Panel>
          <Tabs.Panel value="networks" pt="md">
            <NetworksTab />
          </Tabs.Panel>
          <Tabs.Panel value="volumes" pt="md">
            <VolumesTab />
          </Tabs.Panel>
          <Tabs.Panel value="manifests" pt="md">
            <ManifestsTab />
          </Tabs.Panel>
          <Tabs.Panel value="services" pt="md">
            <ServicesTab />
          </Tabs.Panel>
          <Tabs.Panel value="agreements" pt="md">
            <AgreementsTab />
          </Tabs.Panel>
          <Tabs.Panel value="events" pt="md">
            <EventsTab key={resource} resource={resource} />
          </Tabs.Panel>
          <Tabs.Panel value="audit" pt="md">
            <AuditTab />
          </Tabs.Panel>
        </Tabs>
      </Stack>
    </ConfirmProvider>
  );
}
