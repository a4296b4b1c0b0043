import type { NodeView } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { ExpandableRows } from './expandable-rows.tsx';
import { formatInstant } from './format-instant.ts';
import { NodeHistory } from './nodes-tab.tsx';
import { QuarantineList } from './quarantine-list.tsx';
import { RetentionList } from './retention-list.tsx';
import { StateBadge } from './state-badge.tsx';

const text = strings.admin;

/** The storage nodes: where hospital systems send to, and how much fits yet. */
export function StorageTab({ nodes }: { nodes: readonly NodeView[] }): ReactNode {
  return (
    <ExpandableRows
      label={text.tabs.storage}
      testId="admin-storage"
      empty={text.noStorage}
      columns={[
        text.node,
        text.state,
        text.aeTitle,
        text.port,
        text.studies,
        text.instances,
        text.free,
        text.associations,
        text.conflicts,
        text.quarantined,
        text.seen,
      ]}
      rows={nodes.map(({ id, state, reason, storage, lastSeenAt, history }) => ({
        id,
        cells: [
          id,
          <StateBadge key="state" state={state} reason={reason} />,
          storage?.aeTitle,
          storage?.dicomPort,
          storage?.studies,
          storage?.instances,
          formatBytes(storage?.freeBytes ?? null),
          storage?.associations,
          storage?.conflicts,
          storage?.quarantined,
          formatInstant(lastSeenAt),
        ],
        details: () => (
          <>
            <QuarantineList nodeId={id} />
            <RetentionList nodeId={id} />
            <NodeHistory history={history} />
          </>
        ),
      }))}
    />
  );
}

function formatBytes(bytes: number | null): string {
  return bytes === null ? strings.common.unknown : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
