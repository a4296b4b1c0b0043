import { Alert, Badge, Button, Group, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { auditActionSchema, type AuditEvent } from '@medusa/protocol';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { AuditFilter } from '../../core/audit-page.ts';
import { strings } from '../../strings/en.ts';
import { errorText } from '../../ui/error-text.ts';
import { useServices } from '../../ui/services.tsx';
import { formatInstant } from './format-instant.ts';

const text = strings.admin.audit;
const pageSize = 50;
const newest: AuditFilter = { action: '', actor: '', object: '', before: '', limit: pageSize };
const outcomeColours = { success: 'teal', refused: 'yellow', failure: 'red' } as const;

/** Who did what to which study, newest first. */
export function AuditTab(): ReactNode {
  const { api } = useServices();
  const [filter, setFilter] = useState(newest);
  const [asked] = useDebouncedValue(filter, 300);
  const { data, error } = useQuery({
    queryKey: ['audit', asked],
    queryFn: async ({ signal }) => api.loadAudit(asked, signal),
    placeholderData: keepPreviousData,
  });
  const events = data?.events ?? [];
  const oldest = events.at(-1);

  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Select
          size="xs"
          placeholder={text.any}
          aria-label={text.action}
          data={[...auditActionSchema.options]}
          value={filter.action === '' ? null : filter.action}
          onChange={(action) =>
            setFilter({ ...filter, before: '', action: auditActionSchema.safeParse(action).data ?? '' })
          }
          clearable
          data-testid="audit-action"
        />
        <TextInput
          size="xs"
          placeholder={text.actorFilter}
          aria-label={text.actorFilter}
          value={filter.actor}
          onChange={(event) => setFilter({ ...filter, before: '', actor: event.currentTarget.value })}
          data-testid="audit-actor"
        />
        <TextInput
          size="xs"
          placeholder={text.objectFilter}
          aria-label={text.objectFilter}
          value={filter.object}
          onChange={(event) => setFilter({ ...filter, before: '', object: event.currentTarget.value })}
          data-testid="audit-object"
        />
        <Group gap={4} ml="auto">
          <Button
            size="xs"
            variant="default"
            disabled={filter.before === ''}
            onClick={() => setFilter({ ...filter, before: '' })}
            data-testid="audit-newest"
          >
            {text.newer}
          </Button>
          <Button
            size="xs"
            variant="default"
            disabled={events.length < pageSize}
            onClick={() => setFilter({ ...filter, before: oldest?.sequence ?? '' })}
            data-testid="audit-older"
          >
            {text.older}
          </Button>
        </Group>
      </Group>
      {error && (
        <Alert color="red" variant="light" title={text.failed}>
          {errorText(error).help}
        </Alert>
      )}
      <AuditTable events={events} />
    </Stack>
  );
}

function AuditTable({ events }: { events: readonly AuditEvent[] }): ReactNode {
  if (events.length === 0) return <Text c="dimmed">{text.none}</Text>;
  return (
    <Table verticalSpacing={4} fz="sm" data-testid="audit-table">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>#</Table.Th>
          <Table.Th>{text.time}</Table.Th>
          <Table.Th>{text.action}</Table.Th>
          <Table.Th>{text.outcome}</Table.Th>
          <Table.Th>{text.actor}</Table.Th>
          <Table.Th>{text.address}</Table.Th>
          <Table.Th>{text.object}</Table.Th>
          <Table.Th>{text.detail}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody className="medusa-numeric">
        {events.map((event) => (
          <Table.Tr key={event.sequence} data-testid="audit-row" data-action={event.action}>
            <Table.Td c="dimmed">{event.sequence}</Table.Td>
            <Table.Td className="admin-instant">{formatInstant(event.at)}</Table.Td>
            <Table.Td>{event.action}</Table.Td>
            <Table.Td>
              <Badge
                miw="max-content"
                size="sm"
                radius="sm"
                variant="light"
                color={outcomeColours[event.outcome]}
              >
                {event.outcome}
              </Badge>
            </Table.Td>
            <Table.Td>{event.actorName}</Table.Td>
            <Table.Td c="dimmed">{event.actorAddress}</Table.Td>
            <Table.Td className="admin-object">
              {event.objectType} {event.objectId}
            </Table.Td>
            <Table.Td c="dimmed">{event.detail}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
