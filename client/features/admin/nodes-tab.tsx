import { Stack, Text } from '@mantine/core';
import type { NodeView } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { ExpandableRows } from './expandable-rows.tsx';
import { Facts } from './facts.tsx';
import { formatInstant } from './format-instant.ts';
import { StateBadge } from './state-badge.tsx';

const text = strings.admin;
const shownHistory = 20;

/** The render nodes: what they can, what they do, what happened to them. */
export function NodesTab({ nodes }: { nodes: readonly NodeView[] }): ReactNode {
  return (
    <ExpandableRows
      label={text.tabs.nodes}
      testId="admin-nodes"
      empty={text.noNodes}
      columns={[text.node, text.provider, text.state, text.load, text.slots, text.rendering, text.seen]}
      rows={nodes.map((node) => ({
        id: node.id,
        cells: [
          node.id,
          node.provider,
          <StateBadge key="state" state={node.state} reason={node.reason} />,
          node.load1?.toFixed(2) ?? strings.common.unknown,
          `${node.sessions} / ${node.capabilities?.slots ?? strings.common.unknown}`,
          node.capabilities?.gpu ?? node.capabilities?.rendering ?? strings.common.unknown,
          formatInstant(node.lastSeenAt),
        ],
        details: () => <NodeDetails node={node} />,
      }))}
    />
  );
}

/** Shared by render and storage nodes. */
export function NodeHistory({ history }: Pick<NodeView, 'history'>): ReactNode {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {text.history}
      </Text>
      {history
        .slice(-shownHistory)
        .reverse()
        .map(({ at, state, reason }) => (
          <Text key={`${at} ${state}`} size="sm" className="medusa-numeric">
            {formatInstant(at)} · {state} · {reason}
          </Text>
        ))}
    </div>
  );
}

function NodeDetails({ node: { capabilities, history } }: { node: NodeView }): ReactNode {
  return (
    <Stack gap="sm" pb="sm">
      {capabilities && (
        <Facts
          facts={[
            [text.processors, `${capabilities.cpus} × ${capabilities.architecture}`],
            [text.memory, `${(capabilities.memoryMiB / 1_024).toFixed(1)} GiB`],
            [text.gpu, capabilities.gpu ?? strings.common.unknown],
            [text.encoders, capabilities.encoders.join(', ')],
            [text.applications, capabilities.applications.join(', ')],
            [text.confinement, capabilities.confinement],
            [text.media, `${capabilities.rtcAddress}:${capabilities.rtcPort}`],
          ]}
        />
      )}
      <NodeHistory history={history} />
    </Stack>
  );
}
