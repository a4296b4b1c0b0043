import { Button, Group, Paper, Select, Stack, Text, Title } from '@mantine/core';
import { unlistedSchema, type EntityList, type EntityView } from '@medusa/protocol';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { notifyFailure } from '../../../ui/notify-failure.ts';
import { useServices } from '../../../ui/services.tsx';
import { AlarmList } from '../alarms/alarm-list.tsx';
import { Loaded } from '../provision/loaded.tsx';
import { RowButton } from '../provision/resource-table.tsx';
import { CertificateDialog } from './certificate-dialog.tsx';
import { EntityForm } from './entity-form.tsx';
import { EntityTable } from './entity-table.tsx';

const text = strings.entities;
const refreshMs = 5_000;

/** PACS, modalities and workstations: who they are, whether they are there, what they may and what came of them. */
export function EntitiesTab(): ReactNode {
  const { api } = useServices();
  const query = useQuery({
    queryKey: ['entities'],
    queryFn: async ({ signal }) => api.entities.list(signal),
    refetchInterval: refreshMs,
  });
  return (
    <Stack gap="lg">
      <AlarmList />
      <Loaded query={query}>{(list) => <Listed list={list} />}</Loaded>
    </Stack>
  );
}

function Listed({ list }: { list: EntityList }): ReactNode {
  const [edited, setEdited] = useState<EntityView | string | null>(null);
  const [certified, setCertified] = useState<EntityView | null>(null);
  const { entities } = list;
  const destinations = entities.filter(({ wish }) => wish.host !== null).map(({ title }) => title);
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-end">
        <Title order={2} size="h4" fw={600}>
          {text.title}
        </Title>
        <Group gap="sm" align="flex-end">
          <Unlisted unlisted={list.unlisted} />
          <Button size="sm" onClick={() => setEdited('')} data-testid="entity-add">
            {text.add}
          </Button>
        </Group>
      </Group>
      <EntityTable entities={entities} edit={setEdited} certify={setCertified} />
      <Strangers list={list} add={setEdited} />
      <Nodes list={list} />
      {certified && (
        <CertificateDialog entity={certified} nodes={list.nodes} close={() => setCertified(null)} />
      )}
      {edited !== null && (
        <EntityForm entity={edited} destinations={destinations} close={() => setEdited(null)} />
      )}
    </Stack>
  );
}

const asNodes = 'node';

function Unlisted({ unlisted }: Pick<EntityList, 'unlisted'>): ReactNode {
  const { api } = useServices();
  const queries = useQueryClient();
  const saving = useMutation({
    mutationFn: async (value: EntityList['unlisted']) => api.entities.setUnlisted(value),
    onSuccess: async () => queries.invalidateQueries({ queryKey: ['entities'] }),
  });
  return (
    <Select
      size="sm"
      w={250}
      label={text.unlisted.label}
      data={[
        { value: asNodes, label: text.unlisted.node },
        { value: 'store', label: text.unlisted.store },
        { value: 'refused', label: text.unlisted.refused },
      ]}
      value={unlisted ?? asNodes}
      disabled={saving.isPending}
      allowDeselect={false}
      onChange={(value) => notifyFailure(saving.mutateAsync(unlistedSchema.safeParse(value).data ?? null))}
      data-testid="entity-unlisted"
    />
  );
}

function Strangers({ list, add }: { list: EntityList; add: (title: string) => void }): ReactNode {
  const titles = [...new Set(list.strangers.map(({ title }) => title))].filter(
    (title) => title !== 'STOW-RS' && title !== 'unknown',
  );
  if (titles.length === 0) return null;
  return (
    <Paper withBorder p="sm" bg="var(--medusa-surface)" data-testid="entity-strangers">
      <Text size="sm" fw={600}>
        {text.strangers}
      </Text>
      <Text size="xs" c="dimmed" mb="xs">
        {text.strangersHelp}
      </Text>
      <Stack gap={6}>
        {titles.map((title) => (
          <Group key={title} gap="sm">
            <Text size="sm" ff="monospace">
              {title}
            </Text>
            <Text size="xs" c="dimmed">
              {list.strangers.find((one) => one.title === title)?.lastRefusal ?? ''}
            </Text>
            <RowButton label={text.add} act={() => add(title)} testId="stranger-add" />
          </Group>
        ))}
      </Stack>
    </Paper>
  );
}

function Nodes({ list: { nodes } }: { list: EntityList }): ReactNode {
  return (
    <Stack gap={2} data-testid="entity-nodes">
      {nodes.length === 0 && (
        <Text size="xs" c="dimmed">
          {text.nodes.none}
        </Text>
      )}
      {nodes.map(({ nodeId, aeTitle, isConnected, isCurrent }) => (
        <Text key={nodeId} size="xs" c={isConnected && isCurrent ? 'dimmed' : 'yellow'}>
          {!isConnected
            ? text.nodes.away(nodeId)
            : isCurrent
              ? text.nodes.current(nodeId, aeTitle)
              : text.nodes.behind(nodeId)}
        </Text>
      ))}
    </Stack>
  );
}
