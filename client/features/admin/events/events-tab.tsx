import { Badge, Button, Group, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import {
  providerIdSchema,
  resourceIdSchema,
  resourceKindSchema,
  type ProvisionEvent,
} from '@medusa/protocol';
import { IconDownload } from '@tabler/icons-react';
import { useMemo, useState, type ReactNode } from 'react';
import type { EventQuery } from '../../../core/provision-api.ts';
import { strings } from '../../../strings/en.ts';
import { formatInstant } from '../format-instant.ts';
import { FailureNotice } from '../provision/loaded.tsx';
import { useEvents, useProviders, useResources } from '../provision/use-provision.ts';
import { eventsCsv } from './events-csv.ts';

const text = strings.provision.events;
const pageSize = 200;
const outcomeColours = { ok: 'teal', failed: 'red', unknown: 'violet' } as const;

type Filter = {
  readonly provider: string;
  readonly resource: string;
  readonly kind: string;
  readonly before: number;
};

/** The log of provisioning, live. */
export function EventsTab({ resource = '' }: { resource?: string | undefined }): ReactNode {
  const [filter, setFilter] = useState<Filter>({ provider: '', resource, kind: '', before: 0 });
  const [asked] = useDebouncedValue(filter, 300);
  const query = useEvents(queryOf(asked));
  const kindOf = useKinds();
  const all = query.data ?? [];
  const events = all.filter(
    (event) => filter.kind === '' || (event.resource !== null && kindOf.get(event.resource) === filter.kind),
  );
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Filters filter={filter} change={setFilter} />
        <Group gap={4} ml="auto">
          <Button
            size="xs"
            variant="default"
            leftSection={<IconDownload size={15} />}
            disabled={events.length === 0}
            onClick={() => save(eventsCsv(events))}
            data-testid="events-export"
          >
            {text.export}
          </Button>
          <Button
            size="xs"
            variant="default"
            disabled={filter.before === 0}
            onClick={() => setFilter({ ...filter, before: 0 })}
          >
            {text.newest}
          </Button>
          <Button
            size="xs"
            variant="default"
            disabled={all.length < pageSize}
            onClick={() => setFilter({ ...filter, before: all.at(-1)?.sequence ?? 0 })}
          >
            {text.older}
          </Button>
        </Group>
      </Group>
      {query.error && <FailureNotice error={query.error} title={text.failed} />}
      <EventTable events={events} />
    </Stack>
  );
}

function Filters({ filter, change }: { filter: Filter; change: (filter: Filter) => void }): ReactNode {
  const providers = useProviders();
  return (
    <>
      <Select
        size="xs"
        placeholder={text.anyProvider}
        aria-label={strings.provision.provider}
        data={providers.data?.map(({ id, title }) => ({ value: id, label: title })) ?? []}
        value={filter.provider === '' ? null : filter.provider}
        onChange={(provider) => change({ ...filter, before: 0, provider: provider ?? '' })}
        clearable
        data-testid="events-provider"
      />
      <TextInput
        size="xs"
        placeholder={text.resourceFilter}
        aria-label={text.resourceFilter}
        value={filter.resource}
        onChange={(event) => change({ ...filter, before: 0, resource: event.currentTarget.value })}
        data-testid="events-resource"
      />
      <Select
        size="xs"
        placeholder={text.anyKind}
        aria-label={text.kind}
        data={resourceKindSchema.options.map((kind) => ({
          value: kind,
          label: strings.provision.kinds[kind],
        }))}
        value={filter.kind === '' ? null : filter.kind}
        onChange={(kind) => change({ ...filter, kind: kind ?? '' })}
        clearable
        data-testid="events-kind"
      />
      {filter.before === 0 && (
        <Badge variant="dot" color="teal" miw="max-content">
          {text.live}
        </Badge>
      )}
    </>
  );
}

/** An id that cannot be one matches nothing rather than everything. */
function queryOf({ provider, resource, before }: Filter): EventQuery {
  const none = resourceIdSchema.parse('no-such-resource');
  return {
    ...(provider === '' ? {} : { provider: providerIdSchema.parse(provider) }),
    ...(resource === '' ? {} : { resource: resourceIdSchema.safeParse(resource.trim()).data ?? none }),
    ...(before === 0 ? {} : { before }),
    limit: pageSize,
  };
}

function useKinds(): ReadonlyMap<string, string> {
  const { data } = useResources({ withAbsent: true });
  return useMemo(() => new Map(data?.map(({ id, spec }) => [id, spec.kind]) ?? []), [data]);
}

function EventTable({ events }: { events: readonly ProvisionEvent[] }): ReactNode {
  if (events.length === 0) return <Text c="dimmed">{text.none}</Text>;
  return (
    <Table verticalSpacing={4} fz="sm" stickyHeader data-testid="events-table">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>#</Table.Th>
          <Table.Th>{text.time}</Table.Th>
          <Table.Th>{strings.provision.provider}</Table.Th>
          <Table.Th>{text.resource}</Table.Th>
          <Table.Th>{text.kind}</Table.Th>
          <Table.Th>{text.outcome}</Table.Th>
          <Table.Th>{text.what}</Table.Th>
          <Table.Th ta="right">{text.duration}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody className="medusa-numeric">
        {events.map(({ sequence, at, provider, resource, kind, outcome, text: words, durationMs }) => (
          <Table.Tr key={sequence} data-testid="event-row" data-resource={resource} data-kind={kind}>
            <Table.Td c="dimmed">{sequence}</Table.Td>
            <Table.Td className="admin-instant">{formatInstant(at)}</Table.Td>
            <Table.Td>{provider}</Table.Td>
            <Table.Td>{resource}</Table.Td>
            <Table.Td c="dimmed">{text.kinds[kind]}</Table.Td>
            <Table.Td>
              <Badge size="sm" radius="sm" variant="light" miw="max-content" color={outcomeColours[outcome]}>
                {text.outcomes[outcome]}
              </Badge>
            </Table.Td>
            <Table.Td className="admin-object">{words}</Table.Td>
            <Table.Td ta="right" c="dimmed" className="admin-instant">
              {durationMs !== null && strings.provision.seconds(durationMs / 1_000)}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function save(csv: string): void {
  const url = URL.createObjectURL(new Blob([csv], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `medusa-events-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}.csv`;
  link.click();
  URL.revokeObjectURL(url);
}
