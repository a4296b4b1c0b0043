import { Autocomplete, NumberInput, Select, SimpleGrid, TagsInput, TextInput } from '@mantine/core';
import { machineSpecSchema, resourceIdSchema, type ProviderCatalog, type PutPool } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';

const text = strings.provision.pools;

const noCatalog: ProviderCatalog = { images: [], sizes: [], zones: [], networks: [], volumeTypes: [] };

type Machine = PutPool['machine'];
type Props = {
  readonly machine: Machine;
  readonly change: (machine: Machine) => void;
  /** Of the first provider; ids that are not in it can be written too. */
  readonly catalog: ProviderCatalog | undefined;
  readonly faults: ReadonlyMap<string, string>;
};

/** What each machine of a pool is. */
export function MachineFields({ machine, change, catalog, faults }: Props): ReactNode {
  const { images, sizes, zones, networks } = catalog ?? noCatalog;
  const size = sizes.find(({ id }) => id === machine.size);
  return (
    <SimpleGrid cols={2}>
      <Select
        label={text.role}
        data={machineSpecSchema.shape.role.options.map((role) => ({ value: role, label: text.roles[role] }))}
        value={machine.role}
        onChange={(role) => {
          const parsed = machineSpecSchema.shape.role.safeParse(role);
          if (parsed.success) change({ ...machine, role: parsed.data });
        }}
        allowDeselect={false}
        data-testid="machine-role"
      />
      <Autocomplete
        label={text.image}
        required
        data={images.map(({ id }) => id)}
        value={machine.image}
        onChange={(image) => change({ ...machine, image })}
        error={faults.get('/machine/image')}
        data-testid="machine-image"
      />
      <Autocomplete
        label={text.size}
        required
        description={size && sizeInWords(size)}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        data={sizes.map(({ id }) => id)}
        value={machine.size}
        onChange={(id) => change({ ...machine, size: id })}
        error={faults.get('/machine/size')}
        data-testid="machine-size"
      />
      <Autocomplete
        label={text.zone}
        data={zones}
        value={machine.zone ?? ''}
        onChange={(zone) => change({ ...machine, zone: zone === '' ? null : zone })}
        error={faults.get('/machine/zone')}
      />
      <TagsInput
        label={text.networks}
        data={networks.map(({ id }) => `ref:${id}`)}
        value={machine.networks}
        onChange={(networks) => change({ ...machine, networks })}
        error={faults.get('/machine/networks')}
        acceptValueOnBlur
      />
      <TagsInput
        label={text.securityGroups}
        value={machine.securityGroups}
        onChange={(ids) =>
          change({
            ...machine,
            securityGroups: ids.flatMap((id) => resourceIdSchema.safeParse(id).data ?? []),
          })
        }
        acceptValueOnBlur
      />
      <NumberInput
        label={text.slotsField}
        description={text.slotsHelp}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        min={1}
        value={machine.slots ?? ''}
        onChange={(slots) => change({ ...machine, slots: typeof slots === 'number' ? slots : null })}
        error={faults.get('/machine/slots')}
        data-testid="machine-slots"
      />
      <TextInput
        label={text.revision}
        description={text.revisionHelp}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        value={machine.revision}
        onChange={(event) => change({ ...machine, revision: event.currentTarget.value })}
        error={faults.get('/machine/revision')}
        data-testid="machine-revision"
      />
    </SimpleGrid>
  );
}

function sizeInWords({ cpus, memoryMiB, gpu, encoder }: ProviderCatalog['sizes'][number]): string {
  const parts = [`${cpus} CPU`, `${(memoryMiB / 1_024).toFixed(1)} GiB`];
  if (gpu) parts.push(`${gpu.count} × ${gpu.model}`);
  if (encoder !== null) parts.push(encoder);
  return parts.join(' · ');
}
