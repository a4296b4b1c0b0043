import { Group, List, Paper, SegmentedControl, Select, Stack, Table, Text } from '@mantine/core';
import type { PoolPolicy, PoolView, PreWarmReport } from '@medusa/protocol';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { Facts } from '../facts.tsx';
import { formatInstant } from '../format-instant.ts';
import { draftOf, inputOf } from '../pools/pool-draft.ts';
import { Loaded } from '../provision/loaded.tsx';
import { useConfirm } from '../provision/plan-dialog.tsx';
import { PreWarmChart } from './pre-warm-chart.tsx';

const text = strings.capacity.preWarm;
const spans = [1, 7, 30] as const;
const askEveryMs = 15_000;

/** How well slots are made ready in advance, and the switch of each pool. */
export function PreWarm({ pools }: { pools: readonly PoolView[] }): ReactNode {
  const { api } = useServices();
  const [days, setDays] = useState<(typeof spans)[number]>(1);
  const report = useQuery({
    queryKey: ['pre-warm', days],
    queryFn: async ({ signal }) => api.capacity.preWarm(days, signal),
    refetchInterval: askEveryMs,
    placeholderData: (before) => before,
  });
  return (
    <Paper bg="var(--medusa-surface)" withBorder p="md" component="section" aria-label={text.title}>
      <Group justify="space-between" mb="xs">
        <Text fw={600}>{text.title}</Text>
        <SegmentedControl
          size="xs"
          aria-label={text.span}
          value={String(days)}
          onChange={(value) => setDays(spans.find((span) => String(span) === value) ?? 1)}
          data={spans.map((span) => ({ value: String(span), label: text.spans[span] }))}
        />
      </Group>
      <Loaded query={report}>{(known) => <Report report={known} pools={pools} />}</Loaded>
    </Paper>
  );
}

function Report({ report, pools }: { report: PreWarmReport; pools: readonly PoolView[] }): ReactNode {
  const { hits, late, misses, settled, openings, hitRate, coverage, missSlotMinutes, learnt } = report;
  return (
    <Stack gap="md" data-testid="pre-warm">
      <Facts
        facts={[
          [text.hitRate, text.share(hitRate, text.of(hits, settled))],
          [text.coverage, text.share(coverage, text.of(hits, openings))],
          [text.late, String(late)],
          [text.misses, String(misses)],
          [text.cost, text.minutes(missSlotMinutes)],
        ]}
      />
      <PreWarmChart report={report} />
      <Sources report={report} />
      <Now report={report} />
      <Pools report={report} pools={pools.filter(({ machine }) => machine.role === 'render')} />
      <Text size="xs" c="dimmed">
        {text.learnt(learnt.studies, learnt.opened)}
      </Text>
    </Stack>
  );
}

function Sources({ report: { bySource } }: { report: PreWarmReport }): ReactNode {
  return (
    <Table fz="xs" verticalSpacing={3} aria-label={text.bySource} className="medusa-numeric">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{text.bySource}</Table.Th>
          {[text.hitRate, text.parts.hits, text.parts.late, text.parts.misses, text.cost].map((head) => (
            <Table.Th key={head} ta="right">
              {head}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {bySource.map(({ source, hits, late, misses, missSlotMinutes }) => {
          const settled = hits + late + misses;
          return (
            <Table.Tr key={source}>
              <Table.Td>{text.by[source]}</Table.Td>
              <Table.Td ta="right">{text.share(settled === 0 ? null : hits / settled, '')}</Table.Td>
              <Table.Td ta="right">{hits}</Table.Td>
              <Table.Td ta="right">{late}</Table.Td>
              <Table.Td ta="right">{misses}</Table.Td>
              <Table.Td ta="right">{text.minutes(missSlotMinutes)}</Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}

/** What is expected at this moment. */
function Now({ report: { open } }: { report: PreWarmReport }): ReactNode {
  return (
    <div>
      <Text size="sm" fw={500} mb={4}>
        {text.now}
      </Text>
      {open.length === 0 && (
        <Text size="sm" c="dimmed">
          {text.nothingNow}
        </Text>
      )}
      <List size="sm" data-testid="pre-warm-open">
        {open.map(({ pool, source, title, studies, chance, untilAt, decidedAt, isExtra }, index) => (
          <List.Item key={`${pool} ${decidedAt} ${index}`}>
            {source === 'calendar' ? text.entry(title) : text.anyOf(studies, chance)}
            <Text span size="xs" c="dimmed" ml="xs">
              {text.kept(pool, formatInstant(untilAt))} {isExtra ? '' : text.notExtra}
            </Text>
          </List.Item>
        ))}
      </List>
    </div>
  );
}

function Pools({ report, pools }: { report: PreWarmReport; pools: readonly PoolView[] }): ReactNode {
  const { api } = useServices();
  const confirm = useConfirm();
  const change = (pool: PoolView, by: PoolPolicy['preWarm']['by']): void => {
    const draft = draftOf(pool, pool.policy.timeZone);
    const preWarm = { ...draft.policy.preWarm, by };
    const input = inputOf({ ...draft, policy: { ...draft.policy, preWarm } });
    confirm({
      title: text.changing(pool.id, text.by[by]),
      plan: async () => api.provision.planPool(pool.id, input),
      act: async () => api.provision.putPool(pool.id, input),
    });
  };
  return (
    <Group gap="xl" align="flex-end">
      {pools.map((pool) => {
        const lead = report.pools.find(({ id }) => id === pool.id)?.leadSeconds ?? 0;
        const { by, slots } = pool.policy.preWarm;
        return (
          <Select
            key={pool.id}
            size="xs"
            label={text.pool(pool.id)}
            description={text.bounds(slots, lead)}
            data={(['off', 'worklist', 'calendar', 'both'] as const).map((value) => ({
              value,
              label: text.by[value],
            }))}
            value={by}
            onChange={(value) => value !== null && value !== by && change(pool, value)}
            allowDeselect={false}
            data-testid={`pre-warm-by-${pool.id}`}
          />
        );
      })}
    </Group>
  );
}
