import { Badge } from '@mantine/core';
import type { ResourceView } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { formatInstant } from '../format-instant.ts';
import { ResourceTable, RowButton } from '../provision/resource-table.tsx';
import { useAct } from '../provision/use-act.ts';

const text = strings.provision.volumes;

/** What nobody wants any more and nobody has let go: the broker never decides about patients' data. */
export function HoldList({ held }: { held: readonly ResourceView[] }): ReactNode {
  const act = useAct();
  return (
    <ResourceTable
      title={text.held}
      lead={text.heldHelp}
      empty={text.noHeld}
      testId="hold-list"
      columns={[strings.provision.events.kind, strings.provision.reason, strings.provision.node.changed]}
      resources={held}
      cells={(resource) => [
        <>
          {strings.provision.kinds[resource.spec.kind]}{' '}
          {mayHoldPatientData(resource) && (
            <Badge size="sm" radius="sm" variant="light" color="yellow" miw="max-content">
              {text.mayHoldData}
            </Badge>
          )}
        </>,
        resource.reason,
        formatInstant(resource.changedAt),
      ]}
      actions={(resource) => (
        <>
          <RowButton
            label={strings.provision.acts.keep}
            act={() => act(resource.id, { action: 'keep' })}
            testId="hold-keep"
          />
          <RowButton
            label={strings.provision.acts.release}
            act={() =>
              act(
                resource.id,
                { action: 'release' },
                {
                  title: text.releaseTitle(resource.id),
                  ...(mayHoldPatientData(resource) ? { typed: resource.id } : {}),
                },
              )
            }
            testId="hold-release"
            isDestructive
          />
        </>
      )}
    />
  );
}

/** Snapshots are of volumes, and hold what these held. */
function mayHoldPatientData({ spec }: ResourceView): boolean {
  return spec.kind === 'snapshot' || (spec.kind === 'volume' && spec.holdsPatientData);
}
