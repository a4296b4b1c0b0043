import { Badge, Stack } from '@mantine/core';
import type { ProviderView, ResourceView } from '@medusa/protocol';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { ChooseMachine } from '../provision/choose-machine.tsx';
import { CreateForm } from '../provision/create-form.tsx';
import { Loaded } from '../provision/loaded.tsx';
import { ResourceTable, RowButton } from '../provision/resource-table.tsx';
import { ofKind, type ViewOf } from '../provision/specs.ts';
import { useAct } from '../provision/use-act.ts';
import { useProviders, useResources } from '../provision/use-provision.ts';
import { HoldList } from './hold-list.tsx';
import { Snapshots } from './snapshots.tsx';
import { blankVolume, VolumeFields } from './volume-fields.tsx';

const text = strings.provision.volumes;

/** Volumes, their snapshots, and what waits for a decision. */
export function VolumesTab(): ReactNode {
  const resources = useResources({});
  const providers = useProviders();
  return (
    <Loaded query={resources}>
      {(loaded) => (
        <Stack gap="md">
          <HoldList held={loaded.filter(({ phase }) => phase === 'held')} />
          <Volumes resources={loaded} providers={providers.data ?? []} />
          <Snapshots resources={loaded} providers={providers.data ?? []} />
        </Stack>
      )}
    </Loaded>
  );
}

type Props = { readonly resources: readonly ResourceView[]; readonly providers: readonly ProviderView[] };

function Volumes({ resources, providers }: Props): ReactNode {
  const [isAdding, setIsAdding] = useState(false);
  const [attached, setAttached] = useState<ViewOf<'volume'> | null>(null);
  const [snapped, setSnapped] = useState<ViewOf<'volume'> | null>(null);
  const act = useAct();
  return (
    <>
      <ResourceTable
        title={text.volumes}
        empty={text.none}
        testId="volumes"
        columns={[text.size, text.attachedTo, text.source, text.patientData]}
        resources={ofKind(resources, 'volume').filter(({ phase }) => phase !== 'held')}
        cells={({ spec }) => [
          `${spec.sizeGiB} GiB${spec.type === null ? '' : ` · ${spec.type}`}`,
          <span key="to" data-testid="attached-to">
            {spec.attachedTo ?? text.detached}
          </span>,
          spec.source.kind === 'blank'
            ? text.sources.blank
            : text.sourceOf(strings.provision.kinds[spec.source.kind], spec.source.resource),
          spec.holdsPatientData ? (
            <Badge key="data" size="sm" radius="sm" variant="light" color="yellow" miw="max-content">
              {text.mayHoldData}
            </Badge>
          ) : (
            strings.common.unknown
          ),
        ]}
        actions={(volume) => (
          <>
            {volume.spec.attachedTo === null ? (
              <RowButton
                label={strings.provision.acts.attach}
                act={() => setAttached(volume)}
                testId="volume-attach"
              />
            ) : (
              <RowButton
                label={strings.provision.acts.detach}
                act={() => act(volume.id, { action: 'detach' })}
                testId="volume-detach"
              />
            )}
            <RowButton label={text.snapshot} act={() => setSnapped(volume)} testId="volume-snapshot" />
            <RowButton
              label={strings.provision.destroy}
              act={() => act(volume.id, { action: 'destroy' })}
              testId="destroy"
              isDestructive
            />
          </>
        )}
        add={{ label: text.add, act: () => setIsAdding(true) }}
      />
      {isAdding && (
        <CreateForm
          title={text.add}
          providers={providers}
          capability="volumes"
          initial={blankVolume}
          fields={(draft) => <VolumeFields {...draft} resources={resources} />}
          close={() => setIsAdding(false)}
        />
      )}
      {snapped && (
        <CreateForm
          title={text.snapshotTitle(snapped.id)}
          providers={providers}
          capability="snapshots"
          provider={snapped.provider}
          initial={{ kind: 'snapshot' as const, volume: snapped.id }}
          fields={() => null}
          close={() => setSnapped(null)}
        />
      )}
      {attached && (
        <ChooseMachine
          title={text.attachTitle(attached.id)}
          label={text.machine}
          machines={ofKind(resources, 'machine').filter(({ provider }) => provider === attached.provider)}
          choose={(machine) => {
            setAttached(null);
            act(attached.id, { action: 'attach', machine });
          }}
          close={() => setAttached(null)}
        />
      )}
    </>
  );
}
