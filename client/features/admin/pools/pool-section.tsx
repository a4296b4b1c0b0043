import { Alert, Button, Group, Paper, Progress, Stack, Text } from '@mantine/core';
import type { PoolView, ResourceId, ResourceView } from '@medusa/protocol';
import { IconAlertTriangle, IconPencil, IconTrash } from '@tabler/icons-react';
import { useMemo, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { LineChart } from '../line-chart.tsx';
import { useConfirm } from '../provision/plan-dialog.tsx';
import { phaseLooks } from '../provision/phase.tsx';
import { PhaseKey, PoolMap } from './pool-map.tsx';
import type { PoolSample } from './use-pool-samples.ts';

const text = strings.provision.pools;

type Props = {
  readonly pool: PoolView;
  readonly nodes: readonly ResourceView[];
  readonly samples: readonly PoolSample[];
  readonly open: (id: ResourceId) => void;
  readonly edit: () => void;
};

/** One pool: how many nodes are wanted and why, how they are, how it went. */
export function PoolSection({ pool, nodes, samples, open, edit }: Props): ReactNode {
  const { api } = useServices();
  const confirm = useConfirm();
  const { id, target, targetReason, counts, slots, isBraked, outdated, providers } = pool;
  const remove = (): void =>
    confirm({
      title: text.removing(id),
      plan: async () => api.provision.planRemovePool(id),
      act: async () => api.provision.removePool(id),
      isDestructive: true,
      typed: id,
    });
  return (
    <Paper
      component="section"
      bg="var(--medusa-surface)"
      withBorder
      p="md"
      aria-label={id}
      data-testid="pool"
      data-pool={id}
    >
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <div>
            <Group gap="sm">
              <Text fw={600} size="lg">
                {id}
              </Text>
              <Text size="sm" c="dimmed">
                {text.roles[pool.machine.role]} · {pool.machine.size} · {providers.join(' → ')}
              </Text>
            </Group>
            <Text size="sm" data-testid="pool-target">
              <strong>{text.target(target)}</strong> · {targetReason}
            </Text>
          </div>
          <Group gap="xs" wrap="nowrap">
            <Button
              size="xs"
              variant="default"
              leftSection={<IconPencil size={15} />}
              onClick={edit}
              data-testid="pool-edit"
            >
              {strings.provision.edit}
            </Button>
            <Button
              size="xs"
              variant="subtle"
              color="gray"
              leftSection={<IconTrash size={15} />}
              onClick={remove}
              data-testid="pool-remove"
            >
              {strings.provision.remove}
            </Button>
          </Group>
        </Group>
        {isBraked && (
          <Alert color="red" variant="light" icon={<IconAlertTriangle />}>
            {text.braked}
          </Alert>
        )}
        <Group justify="space-between" gap="xl">
          <PhaseKey counts={counts} />
          <Group gap="md">
            {outdated > 0 && (
              <Text size="xs" c="yellow.4">
                {text.outdated(outdated)}
              </Text>
            )}
            <Slots slots={slots} />
          </Group>
        </Group>
        <PoolMap label={`${text.map}: ${id}`} nodes={nodes} open={open} />
        <Chart samples={samples} atLeast={Math.max(2, Math.ceil(target * 1.2))} />
      </Stack>
    </Paper>
  );
}

function Slots({ slots: { total, used } }: Pick<PoolView, 'slots'>): ReactNode {
  return (
    <Group gap="xs">
      <Text size="xs" c="dimmed">
        {text.slots}
      </Text>
      <Progress
        w={120}
        size="sm"
        value={total === 0 ? 0 : (used / total) * 100}
        aria-label={`${text.slots}: ${used} / ${total}`}
      />
      <Text size="sm" className="medusa-numeric">
        {used} / {total}
      </Text>
    </Group>
  );
}

function Chart({ samples, atLeast }: { samples: readonly PoolSample[]; atLeast: number }): ReactNode {
  const times = useMemo(() => samples.map(({ at }) => at / 1_000), [samples]);
  const lines = useMemo(
    () => [
      {
        label: text.wanted,
        colour: '#aab4be',
        look: 'dashed' as const,
        values: samples.map(({ wanted }) => wanted),
      },
      {
        label: text.ready,
        colour: phaseLooks.ready.colour,
        look: 'filled' as const,
        values: samples.map(({ ready }) => ready),
      },
      { label: text.used, colour: '#7f93c9', values: samples.map(({ used }) => used) },
    ],
    [samples],
  );
  return <LineChart title={text.chart} times={times} lines={lines} atLeast={atLeast} />;
}
