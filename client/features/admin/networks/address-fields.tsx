import { Autocomplete, MultiSelect, Select, Stack } from '@mantine/core';
import { resourceIdSchema, type ProviderId, type ResourceView } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useCatalog } from '../provision/use-provision.ts';

const text = strings.provision.networks;

type AddressSpec = Extract<ResourceView['spec'], { kind: 'address' }>;
export const newAddress: AddressSpec = { kind: 'address', from: null, assignedTo: null, failover: [] };

type Props = {
  readonly spec: AddressSpec;
  readonly change: (spec: AddressSpec) => void;
  readonly faults: ReadonlyMap<string, string>;
  readonly provider: ProviderId | undefined;
  readonly machines: readonly Pick<ResourceView, 'id' | 'provider'>[];
};

export function AddressFields({ spec, change, faults, provider, machines }: Props): ReactNode {
  const catalog = useCatalog(provider);
  const external = catalog.data?.networks.filter(({ isExternal }) => isExternal) ?? [];
  const near = machines.filter((machine) => machine.provider === provider).map(({ id }) => id);
  return (
    <Stack gap="sm">
      <Autocomplete
        label={text.from}
        description={text.fromHelp}
        data={external.map(({ id }) => id)}
        value={spec.from ?? ''}
        onChange={(from) => change({ ...spec, from: from === '' ? null : from })}
        error={faults.get('/spec/from')}
      />
      <Select
        label={text.pointsTo}
        placeholder={text.nowhere}
        data={near}
        value={spec.assignedTo}
        onChange={(machine) =>
          change({ ...spec, assignedTo: resourceIdSchema.safeParse(machine).data ?? null })
        }
        clearable
        searchable
        error={faults.get('/spec/assignedTo')}
        data-testid="address-machine"
      />
      <MultiSelect
        label={text.failover}
        data={near.filter((id) => id !== spec.assignedTo)}
        value={spec.failover}
        onChange={(ids) => change({ ...spec, failover: ids.map((id) => resourceIdSchema.parse(id)) })}
        searchable
        error={faults.get('/spec/failover')}
      />
    </Stack>
  );
}
