import { Button, Group, Paper, Text, Tooltip } from '@mantine/core';
import type { PoolView, ResourceId, ResourceView, SessionView } from '@medusa/protocol';
import { IconPlus, IconStack2 } from '@tabler/icons-react';
import { useMemo, useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { Notice } from '../../../ui/notice.tsx';
import { Loaded } from '../provision/loaded.tsx';
import { usePools, useProviders, useResources } from '../provision/use-provision.ts';
import { NodeDrawer } from './node-drawer.tsx';
import { PoolMap } from './pool-map.tsx';
import { PoolEditor } from './pool-editor.tsx';
import { PoolSection } from './pool-section.tsx';
import type { PoolSamples } from './use-pool-samples.ts';

const text = strings.provision.pools;
const naturally = new Intl.Collator('en', { numeric: true });

type Props = { readonly samples: PoolSamples; readonly sessions: readonly SessionView[] };

/** The pools as maps, live. */
export function PoolsTab({ samples, sessions }: Props): ReactNode {
  const pools = usePools();
  const providers = useProviders();
  const machines = useResources({ kind: 'machine' });
  const [opened, setOpened] = useState<ResourceId | null>(null);
  const [edited, setEdited] = useState<PoolView | 'new' | null>(null);
  const byPool = useMemo(() => nodesByPool(machines.data ?? []), [machines.data]);
  const canAdd = (providers.data?.length ?? 0) > 0;
  return (
    <Loaded query={pools}>
      {(loaded) => (
        <>
          <Group justify="space-between">
            <Text size="sm" c="dimmed">
              {text.lead}
            </Text>
            <Tooltip label={text.needsProvider} disabled={canAdd}>
              <Button
                size="xs"
                leftSection={<IconPlus size={15} />}
                onClick={() => setEdited('new')}
                disabled={!canAdd}
                data-testid="pool-add"
              >
                {text.add}
              </Button>
            </Tooltip>
          </Group>
          {loaded.length === 0 && (
            <Notice icon={<IconStack2 size={40} stroke={1.3} />} title={text.empty}>
              {text.emptyHelp}
            </Notice>
          )}
          {loaded.map((pool) => (
            <PoolSection
              key={pool.id}
              pool={pool}
              nodes={byPool.get(pool.id) ?? []}
              samples={samples.get(pool.id) ?? []}
              open={setOpened}
              edit={() => setEdited(pool)}
            />
          ))}
          <Loners nodes={byPool.get(null) ?? []} open={setOpened} />
          {edited && (
            <PoolEditor pool={edited} providers={providers.data ?? []} close={() => setEdited(null)} />
          )}
          {opened && <NodeDrawer id={opened} sessions={sessions} close={() => setOpened(null)} />}
        </>
      )}
    </Loaded>
  );
}

/** Machines that an administrator wanted by name. */
function Loners(props: { nodes: readonly ResourceView[]; open: (id: ResourceId) => void }): ReactNode {
  if (props.nodes.length === 0) return null;
  return (
    <Paper component="section" bg="var(--medusa-surface)" withBorder p="md" aria-label={text.loners}>
      <Text fw={600} mb="sm">
        {text.loners}
      </Text>
      <PoolMap label={text.loners} {...props} />
    </Paper>
  );
}

function nodesByPool(machines: readonly ResourceView[]): Map<ResourceView['pool'], ResourceView[]> {
  const present = machines.filter(({ phase }) => phase !== 'absent');
  const sorted = present.sort((a, b) => naturally.compare(a.id, b.id));
  return Map.groupBy(sorted, ({ pool }) => pool);
}
