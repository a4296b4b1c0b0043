import type { ProviderView, ResourceView } from '@medusa/protocol';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { formatInstant } from '../format-instant.ts';
import { CreateForm } from '../provision/create-form.tsx';
import { ResourceTable, RowButton } from '../provision/resource-table.tsx';
import { ofKind, type ViewOf } from '../provision/specs.ts';
import { useAct } from '../provision/use-act.ts';
import { VolumeFields, volumeFrom } from './volume-fields.tsx';

const text = strings.provision.volumes;

type Props = { readonly resources: readonly ResourceView[]; readonly providers: readonly ProviderView[] };

/** What volumes were at some time: to be made volumes of again, or to go back to. */
export function Snapshots({ resources, providers }: Props): ReactNode {
  const act = useAct();
  const [restored, setRestored] = useState<ViewOf<'snapshot'> | null>(null);
  const volumeOf = ({ spec }: ViewOf<'snapshot'>): ViewOf<'volume'> | undefined =>
    ofKind(resources, 'volume').find(({ id }) => id === spec.volume);
  const canRevert = (snapshot: ViewOf<'snapshot'>): boolean =>
    volumeOf(snapshot)?.spec.attachedTo === null &&
    providers.find(({ id }) => id === snapshot.provider)?.capabilities.includes('volumes.revert') === true;
  const revert = ({ id, spec }: ViewOf<'snapshot'>): void =>
    act(
      spec.volume,
      { action: 'revert', snapshot: id },
      { title: text.revertTitle(spec.volume, id), typed: spec.volume },
    );
  return (
    <>
      <ResourceTable
        title={text.snapshots}
        empty={text.noSnapshots}
        testId="snapshots"
        columns={[text.of, strings.provision.node.created]}
        resources={ofKind(resources, 'snapshot').filter(({ phase }) => phase !== 'held')}
        cells={({ spec, createdAt }) => [spec.volume, formatInstant(createdAt)]}
        actions={(snapshot) => (
          <>
            <RowButton label={text.restore} act={() => setRestored(snapshot)} testId="snapshot-restore" />
            {canRevert(snapshot) && (
              <RowButton label={text.revert} act={() => revert(snapshot)} testId="snapshot-revert" />
            )}
            <RowButton
              label={strings.provision.destroy}
              act={() => act(snapshot.id, { action: 'destroy' })}
              testId="destroy"
              isDestructive
            />
          </>
        )}
      />
      {restored && (
        <CreateForm
          title={text.restore}
          providers={providers}
          capability="volumes"
          provider={restored.provider}
          initial={volumeFrom(restored.id, volumeOf(restored)?.spec.sizeGiB)}
          fields={(draft) => <VolumeFields {...draft} resources={resources} />}
          close={() => setRestored(null)}
        />
      )}
    </>
  );
}
