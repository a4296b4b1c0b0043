import { Group, Stack, Table, Text } from '@mantine/core';
import type { NodeId, QuarantineList as Listed, QuarantinedObject } from '@medusa/protocol';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { useServices } from '../../ui/services.tsx';
import { formatInstant } from './format-instant.ts';
import { FailureNotice } from './provision/loaded.tsx';
import { useConfirm } from './provision/plan-dialog.tsx';
import { RowButton } from './provision/resource-table.tsx';

const text = strings.quarantine;
const refreshMs = 10_000;

/** What a storage node keeps and serves to nobody, why, and what can be done about it. */
export function QuarantineList({ nodeId }: { nodeId: NodeId }): ReactNode {
  const { api } = useServices();
  const { data, error } = useQuery({
    queryKey: ['quarantine', nodeId],
    queryFn: async ({ signal }) => api.quarantine.list(nodeId, signal),
    refetchInterval: refreshMs,
  });
  return (
    <Stack gap={4} pb="sm" data-testid="quarantine">
      <Text size="xs" c="dimmed">
        {text.title}
      </Text>
      {error && <FailureNotice error={error} title={text.failed} />}
      {data && <Objects nodeId={nodeId} listed={data} />}
    </Stack>
  );
}

function Objects({ nodeId, listed }: { nodeId: NodeId; listed: Listed }): ReactNode {
  const { objects, total } = listed;
  if (objects.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {text.none}
      </Text>
    );
  return (
    <>
      <Table verticalSpacing={4} fz="sm" aria-label={text.title}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{text.received}</Table.Th>
            <Table.Th>{text.from}</Table.Th>
            <Table.Th>{text.reason}</Table.Th>
            <Table.Th>{text.size}</Table.Th>
            <Table.Th>{text.times}</Table.Th>
            <Table.Th>{text.instance}</Table.Th>
            <Table.Th aria-label={strings.admin.details} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {objects.map((object) => (
            <ObjectRow key={object.id} nodeId={nodeId} object={object} />
          ))}
        </Table.Tbody>
      </Table>
      {objects.length < total && (
        <Text size="xs" c="dimmed">
          {text.shown(objects.length, total)}
        </Text>
      )}
    </>
  );
}

function ObjectRow({ nodeId, object }: { nodeId: NodeId; object: QuarantinedObject }): ReactNode {
  const { id, state, reason, receivedAt, receivedFrom, bytes, times, sha256, sopInstanceUID } = object;
  return (
    <Table.Tr data-testid="quarantine-row" data-id={id}>
      <Table.Td className="admin-instant medusa-numeric">{formatInstant(receivedAt)}</Table.Td>
      <Table.Td>{receivedFrom}</Table.Td>
      <Table.Td>
        {reason}
        <Text size="xs" c="dimmed">
          {text.state[state]}
        </Text>
      </Table.Td>
      <Table.Td className="medusa-numeric">{`${(bytes / 1_024).toFixed(0)} KiB`}</Table.Td>
      <Table.Td className="medusa-numeric">{times}</Table.Td>
      <Table.Td className="admin-object">
        {sopInstanceUID}
        <Text size="xs" c="dimmed">
          {text.hash} {sha256.slice(0, 16)}…
        </Text>
      </Table.Td>
      <Table.Td>
        <Acts nodeId={nodeId} object={object} />
      </Table.Td>
    </Table.Tr>
  );
}

function Acts({ nodeId, object }: { nodeId: NodeId; object: QuarantinedObject }): ReactNode {
  const { api } = useServices();
  const confirm = useConfirm();
  const queries = useQueryClient();
  const done = (): void => void queries.invalidateQueries({ queryKey: ['quarantine', nodeId] });
  return (
    <Group gap={4} wrap="nowrap">
      <RowButton
        label={text.release}
        testId="quarantine-release"
        act={() =>
          confirm({
            title: text.releaseTitle,
            warning: text.releaseWarning(object.reason),
            act: async () => api.quarantine.release(nodeId, object.id),
            done,
          })
        }
      />
      <RowButton
        label={text.remove}
        testId="quarantine-delete"
        isDestructive
        act={() =>
          confirm({
            title: text.removeTitle,
            warning: text.removeWarning,
            isDestructive: true,
            act: async () => api.quarantine.remove(nodeId, object.id),
            done,
          })
        }
      />
    </Group>
  );
}
