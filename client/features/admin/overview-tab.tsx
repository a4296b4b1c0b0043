import { Paper, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import type { AdminSnapshot, NodeView, SessionView } from '@medusa/protocol';
import { useMemo, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { PriorityBadge } from '../../ui/priority-badge.tsx';
import { LineChart, type Line } from './line-chart.tsx';
import { TransferPolicyTable } from './transfer-policy-table.tsx';
import type { AdminSample } from './use-admin.ts';

const text = strings.admin;

export function OverviewTab(props: { snapshot: AdminSnapshot; samples: readonly AdminSample[] }): ReactNode {
  const { snapshot, samples } = props;
  const times = useMemo(() => samples.map(({ at }) => at / 1_000), [samples]);
  const load = useMemo(
    () => [
      line(
        '#4fb9bd',
        text.charts.load,
        samples.map((sample) => sample.load),
      ),
    ],
    [samples],
  );
  const sessions = useMemo(
    () => [
      line(
        '#7f93c9',
        text.charts.sessions,
        samples.map((sample) => sample.sessions),
      ),
    ],
    [samples],
  );
  return (
    <Stack gap="md">
      <Tiles snapshot={snapshot} />
      <div className="admin-charts">
        <LineChart title={text.charts.load} times={times} lines={load} atLeast={1} />
        <LineChart title={text.charts.sessions} times={times} lines={sessions} atLeast={4} />
      </div>
      <Queue sessions={snapshot.sessions} />
      <TransferPolicyTable />
    </Stack>
  );
}

function line(colour: string, label: string, values: readonly number[]): Line {
  return { label, colour, values, look: 'filled' };
}

function Tiles({ snapshot: { nodes, sessions } }: { snapshot: AdminSnapshot }): ReactNode {
  const render = nodes.filter(({ kind }) => kind === 'render');
  const storage = nodes.filter(({ kind }) => kind === 'storage');
  const isReady = ({ state }: NodeView): boolean => state === 'ready';
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const slots = sum(render.filter(isReady).map(({ capabilities }) => capabilities?.slots ?? 0));
  const tiles: Readonly<Record<keyof typeof text.tiles, string>> = {
    renderNodes: `${render.filter(isReady).length} / ${render.length}`,
    sessions: String(sessions.filter(({ state }) => state === 'streaming').length),
    slots: `${sum(render.map((node) => node.sessions))} / ${slots}`,
    queued: String(sessions.filter(({ state }) => state === 'queued').length),
    storage: `${storage.filter(isReady).length} / ${storage.length}`,
    studies: String(sum(storage.map((node) => node.storage?.studies ?? 0))),
  };
  return (
    <SimpleGrid cols={6} spacing="sm">
      {(Object.keys(tiles) as (keyof typeof tiles)[]).map((tile) => (
        <Paper key={tile} bg="var(--medusa-surface)" withBorder p="md" data-testid={`tile-${tile}`}>
          <Text size="xl" fw={600} className="medusa-numeric">
            {tiles[tile]}
          </Text>
          <Text size="xs" c="dimmed">
            {text.tiles[tile]}
          </Text>
        </Paper>
      ))}
    </SimpleGrid>
  );
}

function Queue({ sessions }: { sessions: readonly SessionView[] }): ReactNode {
  const waiting = sessions
    .filter(({ state }) => state === 'queued')
    .sort((a, b) => (a.queue?.position ?? 0) - (b.queue?.position ?? 0));
  return (
    <section aria-label={text.queue}>
      <Text fw={600} mb={4}>
        {text.queue}
      </Text>
      {waiting.length === 0 ? (
        <Text c="dimmed" size="sm">
          {text.noQueue}
        </Text>
      ) : (
        <Table data-testid="queue">
          <Table.Tbody>
            {waiting.map(({ id, queue, priority, ownerName, studyTitle }) => (
              <Table.Tr key={id}>
                <Table.Td>{queue && strings.viewer.queue(queue.position)}</Table.Td>
                <Table.Td>
                  <PriorityBadge priority={priority} />
                </Table.Td>
                <Table.Td>{ownerName}</Table.Td>
                <Table.Td>{studyTitle}</Table.Td>
                <Table.Td>
                  {queue?.etaSeconds == null ? strings.viewer.noEta : strings.viewer.eta(queue.etaSeconds)}
                </Table.Td>
                <Table.Td c="dimmed">{queue?.reason}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </section>
  );
}
