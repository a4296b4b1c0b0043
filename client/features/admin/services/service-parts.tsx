import { Table, Text } from '@mantine/core';
import type { ServiceView } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { PhaseBadge } from '../provision/phase.tsx';

const text = strings.services;
type Node = ServiceView['nodes'][number];

/** What a service is made of, in the order in which it is made. */
export function ServiceParts(props: {
  readonly label: string;
  readonly nodes: readonly Node[];
  /** Machines that sleep are as ready as those that run: then it is told what they do. */
  readonly tellsReady: boolean;
}): ReactNode {
  const { label, nodes, tellsReady } = props;
  return (
    <Table fz="sm" verticalSpacing={4} aria-label={label} data-testid="service-parts">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{text.node}</Table.Th>
          <Table.Th>{text.part}</Table.Th>
          <Table.Th>{strings.provision.phase}</Table.Th>
          <Table.Th>{text.addresses}</Table.Th>
          <Table.Th>{strings.provision.reason}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody className="medusa-numeric">
        {nodes.map((node) =>
          node.resources.length === 0 ? (
            <Table.Tr key={nodeKey(node)}>
              <NodeCell node={node} rows={1} />
              <Table.Td colSpan={4} c="dimmed">
                {text.noParts}
              </Table.Td>
            </Table.Tr>
          ) : (
            node.resources.map((part, index) => (
              <Table.Tr key={`${nodeKey(node)} ${part.id}`} data-testid="service-part" data-id={part.id}>
                {index === 0 && <NodeCell node={node} rows={node.resources.length} />}
                <Part part={part} tellsReady={tellsReady} />
              </Table.Tr>
            ))
          ),
        )}
      </Table.Tbody>
    </Table>
  );
}

function nodeKey({ manifest, node }: Node): string {
  return `${manifest} ${node}`;
}

/** A complex node's parts are told with the manifest that they come from. */
function NodeCell({ node: { node, manifest }, rows }: { node: Node; rows: number }): ReactNode {
  return (
    <Table.Th scope="rowgroup" rowSpan={rows} style={{ verticalAlign: 'top' }}>
      <Text size="sm" fw={600} c="var(--mantine-color-text)">
        {node}
      </Text>
      <Text size="xs" c="dimmed">
        {text.fromManifest(manifest)}
      </Text>
    </Table.Th>
  );
}

type PartProps = { part: Node['resources'][number]; tellsReady: boolean };

function Part({ part, tellsReady }: PartProps): ReactNode {
  const { id, kind, phase, reason, addresses, isShared } = part;
  return (
    <>
      <Table.Td>
        <Text span size="xs" c="dimmed">
          {strings.provision.kinds[kind]}{' '}
        </Text>
        {id}
      </Table.Td>
      <Table.Td>
        {phase === null ? (
          <Text size="xs" c="dimmed">
            {text.notAsked}
          </Text>
        ) : (
          <PhaseBadge phase={phase} reason={reason} />
        )}
      </Table.Td>
      <Table.Td>{addresses.join(', ')}</Table.Td>
      <Table.Td c="dimmed" className="admin-object">
        {[phase === 'ready' && !tellsReady ? '' : reason, isShared ? text.shared : '']
          .filter(Boolean)
          .join('; ')}
      </Table.Td>
    </>
  );
}
