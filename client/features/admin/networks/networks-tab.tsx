import { Stack, Text } from '@mantine/core';
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
import { AddressFields, newAddress } from './address-fields.tsx';
import { NetworkFields, newNetwork } from './network-fields.tsx';
import { SecurityGroups } from './security-groups.tsx';

const text = strings.provision.networks;

/** Networks of our own, floating addresses, and who may talk to whom. */
export function NetworksTab(): ReactNode {
  const resources = useResources({});
  const providers = useProviders();
  return (
    <Loaded query={resources}>
      {(loaded) => (
        <Stack gap="md">
          <Networks resources={loaded} providers={providers.data ?? []} />
          <Addresses resources={loaded} providers={providers.data ?? []} />
          <SecurityGroups resources={loaded} providers={providers.data ?? []} />
        </Stack>
      )}
    </Loaded>
  );
}

type Props = { readonly resources: readonly ResourceView[]; readonly providers: readonly ProviderView[] };

function Networks({ resources, providers }: Props): ReactNode {
  const act = useAct();
  const [isAdding, setIsAdding] = useState(false);
  const machines = ofKind(resources, 'machine');
  return (
    <>
      <ResourceTable
        title={text.networks}
        empty={text.noNetworks}
        testId="networks"
        columns={[text.cidrs, text.type, text.tenant, text.members]}
        resources={ofKind(resources, 'network')}
        cells={({ id, spec, addresses }) => [
          <Cidrs key="cidrs" known={addresses.length > 0 ? addresses : (spec.cidrs ?? [])} />,
          spec.segment === null ? spec.type : `${spec.type} ${spec.segment}`,
          spec.tenant,
          machines
            .filter((machine) => machine.spec.networks.includes(id))
            .map((machine) => machine.id)
            .join(', ') || strings.common.unknown,
        ]}
        actions={({ id }) => (
          <RowButton
            label={strings.provision.destroy}
            act={() => act(id, { action: 'destroy' })}
            testId="destroy"
            isDestructive
          />
        )}
        add={{ label: text.addNetwork, act: () => setIsAdding(true) }}
      />
      {isAdding && (
        <CreateForm
          title={text.addNetwork}
          providers={providers}
          capability="networks"
          initial={newNetwork}
          fields={(draft) => <NetworkFields {...draft} />}
          close={() => setIsAdding(false)}
        />
      )}
    </>
  );
}

function Cidrs({ known }: { known: readonly string[] }): ReactNode {
  return known.length > 0 ? (
    known.join(', ')
  ) : (
    <Text size="sm" c="dimmed" component="span">
      {text.chosen}
    </Text>
  );
}

function Addresses({ resources, providers }: Props): ReactNode {
  const act = useAct();
  const [isAdding, setIsAdding] = useState(false);
  const [moved, setMoved] = useState<ViewOf<'address'> | null>(null);
  const machines = ofKind(resources, 'machine');
  return (
    <>
      <ResourceTable
        title={text.addresses}
        empty={text.noAddresses}
        testId="addresses"
        columns={[text.address, text.pointsTo, text.failover]}
        resources={ofKind(resources, 'address')}
        cells={({ addresses, spec }) => [
          addresses.join(', ') || strings.common.unknown,
          <span key="to" data-testid="points-to">
            {spec.assignedTo ?? text.nowhere}
          </span>,
          spec.failover.join(' → ') || strings.common.unknown,
        ]}
        actions={(address) => (
          <>
            <RowButton label={text.move} act={() => setMoved(address)} testId="address-move" />
            {address.spec.assignedTo !== null && (
              <RowButton
                label={strings.provision.acts.unassign}
                act={() => act(address.id, { action: 'unassign' })}
                testId="address-unassign"
              />
            )}
            <RowButton
              label={strings.provision.destroy}
              act={() => act(address.id, { action: 'destroy' })}
              testId="destroy"
              isDestructive
            />
          </>
        )}
        add={{ label: text.addAddress, act: () => setIsAdding(true) }}
      />
      {isAdding && (
        <CreateForm
          title={text.addAddress}
          providers={providers}
          capability="addresses"
          initial={newAddress}
          fields={(draft) => <AddressFields {...draft} machines={machines} />}
          close={() => setIsAdding(false)}
        />
      )}
      {moved && (
        <ChooseMachine
          title={text.moveTitle(moved.id)}
          label={text.machine}
          machines={machines.filter(
            ({ id, provider }) => provider === moved.provider && id !== moved.spec.assignedTo,
          )}
          choose={(machine) => {
            setMoved(null);
            act(moved.id, { action: 'assign', machine });
          }}
          close={() => setMoved(null)}
        />
      )}
    </>
  );
}
