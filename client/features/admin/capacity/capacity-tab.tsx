import { Button, Group, List, Paper, Select, Stack, Text } from '@mantine/core';
import type { PoolView, WhatIfAnswer } from '@medusa/protocol';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { FailureNotice, Loaded } from '../provision/loaded.tsx';
import { useConfirm } from '../provision/plan-dialog.tsx';
import { usePools } from '../provision/use-provision.ts';
import { WhatIfFigures } from './answer.tsx';
import { daysInWords, draftFor, toRequest } from './draft.ts';
import { PreWarm } from './pre-warm.tsx';
import { WhatIfForm } from './what-if-form.tsx';

const text = strings.capacity;

/** What is made ready in advance and how well; how many nodes it takes, what it costs, and the schedule that follows. */
export function CapacityTab(): ReactNode {
  const pools = usePools();
  return (
    <Loaded query={pools}>
      {(known) => (
        <>
          <PreWarm pools={known} />
          <WhatIf pools={known} />
        </>
      )}
    </Loaded>
  );
}

function WhatIf({ pools }: { pools: readonly PoolView[] }): ReactNode {
  const { api } = useServices();
  const [draft, setDraft] = useState(() =>
    draftFor(pools[0], Intl.DateTimeFormat().resolvedOptions().timeZone),
  );
  const [asked, setAsked] = useState(draft);
  const answer = useQuery({
    queryKey: ['capacity', asked],
    queryFn: async ({ signal }) => api.capacity.whatIf(toRequest(asked), signal),
    // What was is not changed by a look; asking again is a click.
    staleTime: Infinity,
    retry: false,
    placeholderData: (before) => before,
  });
  const compute = (): void => {
    if (draft === asked) void answer.refetch();
    else setAsked(draft);
  };
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        {text.intro}
      </Text>
      <WhatIfForm draft={draft} change={setDraft} compute={compute} isComputing={answer.isFetching} />
      {answer.error && <FailureNotice error={answer.error} title={text.failed} />}
      {answer.data && (
        <>
          <WhatIfFigures answer={answer.data} promiseSeconds={asked.promiseSeconds} />
          <Schedule answer={answer.data} pools={pools} />
        </>
      )}
    </Stack>
  );
}

function Schedule({ answer, pools }: { answer: WhatIfAnswer; pools: readonly PoolView[] }): ReactNode {
  const { api } = useServices();
  const confirm = useConfirm();
  const [chosen, setChosen] = useState<string | null>(pools[0]?.id ?? null);
  const { min, schedule, timeZone } = answer.scheduled;
  const apply = (): void => {
    const pool = pools.find(({ id }) => id === chosen);
    if (!pool) return;
    const body = { min, schedule, timeZone };
    confirm({
      title: text.applyTitle(pool.id),
      plan: async () => api.capacity.planSchedule(pool.id, body),
      act: async () => api.capacity.putSchedule(pool.id, body),
    });
  };
  return (
    <Paper bg="var(--medusa-surface)" withBorder p="md" aria-label={text.schedule} component="section">
      <Group justify="space-between" align="flex-start">
        <div>
          <Text fw={600} mb={4}>
            {text.schedule}
          </Text>
          <List size="sm" data-testid="what-if-schedule">
            {schedule.map(({ days, from, to, min: least }) => (
              <List.Item key={`${days.join()} ${from}`}>
                {text.window(daysInWords(days, text.days7), `${from}–${to}`, least)}
              </List.Item>
            ))}
          </List>
          <Text size="sm" c="dimmed">
            {text.scheduleMin(min, timeZone)}
          </Text>
        </div>
        <Group align="flex-end" gap="sm">
          <Select
            size="xs"
            label={text.pool}
            data={pools.map(({ id }) => id)}
            value={chosen}
            onChange={setChosen}
            allowDeselect={false}
          />
          <Button size="xs" onClick={apply} disabled={chosen === null} data-testid="what-if-apply">
            {text.apply}
          </Button>
        </Group>
      </Group>
    </Paper>
  );
}
