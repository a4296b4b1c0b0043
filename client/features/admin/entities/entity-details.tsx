import { Stack, Table, Text } from '@mantine/core';
import type { EntityView } from '@medusa/protocol';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { formatInstant } from '../format-instant.ts';
import { LineChart } from '../line-chart.tsx';

const text = strings.entities;
const hoursSeconds = 2 * 3_600;

/** What each storage node sees of an entity, and how much came by the minute. */
export function EntityDetails({ entity }: { entity: EntityView }): ReactNode {
  const { rates, nodes, changedBy, changedAt } = entity;
  return (
    <Stack gap="sm" pb="sm" data-testid="entity-details">
      <LineChart
        title={text.rates}
        times={rates.map(({ at }) => Date.parse(at) / 1_000)}
        lines={[
          {
            label: text.rates,
            values: rates.map(({ objects }) => objects),
            colour: '#2dd4bf',
            look: 'filled',
          },
        ]}
        atLeast={10}
        spanSeconds={hoursSeconds}
      />
      {nodes.length === 0 ? (
        <Text size="sm" c="dimmed">
          {text.notSeen}
        </Text>
      ) : (
        <SeenBy nodes={nodes} />
      )}
      <Text size="xs" c="dimmed">
        {text.changed(changedBy, formatInstant(changedAt))}
        {nodes.some(({ quarantined }) => quarantined > 0) && (
          <>
            {' · '}
            <Link to="/admin" search={{ tab: 'storage' }}>
              {text.quarantineLink}
            </Link>
          </>
        )}
      </Text>
    </Stack>
  );
}

function SeenBy({ nodes }: Pick<EntityView, 'nodes'>): ReactNode {
  const { seenBy } = text;
  return (
    <Table verticalSpacing={4} fz="sm" aria-label={seenBy.node}>
      <Table.Thead>
        <Table.Tr>
          {Object.values(seenBy).map((column) => (
            <Table.Th key={column}>{column}</Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {nodes.map(({ nodeId, echo, receivedObjects, refusals, lastRefusal, lastSeenAt, ...work }) => (
          <Table.Tr key={nodeId}>
            <Table.Td>{nodeId}</Table.Td>
            <Table.Td className="medusa-numeric">{formatInstant(echo?.at ?? null)}</Table.Td>
            <Table.Td>{echo?.words ?? strings.common.unknown}</Table.Td>
            <Table.Td className="medusa-numeric">{receivedObjects}</Table.Td>
            <Table.Td className="medusa-numeric">{refusals}</Table.Td>
            <Table.Td>{lastRefusal ?? strings.common.unknown}</Table.Td>
            <Table.Td>{text.waiting(work.waiting.forward, work.waiting.priors, work.failed)}</Table.Td>
            <Table.Td className="medusa-numeric">{work.priorsFetched}</Table.Td>
            <Table.Td>{work.lastFailure ?? strings.common.unknown}</Table.Td>
            <Table.Td className="medusa-numeric">{formatInstant(lastSeenAt)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
