import { Autocomplete, Checkbox, Group, NumberInput, Select, Stack } from '@mantine/core';
import { resourceIdSchema, type ProviderId, type ResourceId, type ResourceView } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { ofKind } from '../provision/specs.ts';
import { useCatalog } from '../provision/use-provision.ts';

const text = strings.provision.volumes;

type VolumeSpec = Extract<ResourceView['spec'], { kind: 'volume' }>;
export const blankVolume: VolumeSpec = {
  ...{ kind: 'volume', sizeGiB: 10, type: null, zone: null, source: { kind: 'blank' } },
  ...{ attachedTo: null, holdsPatientData: true },
};

/** A volume that starts with what a snapshot holds; never smaller than it. */
export function volumeFrom(snapshot: ResourceId, sizeGiB = blankVolume.sizeGiB): VolumeSpec {
  return { ...blankVolume, sizeGiB, source: { kind: 'snapshot', resource: snapshot } };
}

type Props = {
  readonly spec: VolumeSpec;
  readonly change: (spec: VolumeSpec) => void;
  readonly faults: ReadonlyMap<string, string>;
  readonly provider: ProviderId | undefined;
  readonly resources: readonly ResourceView[];
};

export function VolumeFields({ spec, change, faults, provider, resources }: Props): ReactNode {
  const catalog = useCatalog(provider);
  const near = resources.filter((resource) => resource.provider === provider);
  return (
    <Stack gap="sm">
      <Group grow align="flex-start">
        <NumberInput
          label={text.sizeGiB}
          required
          min={1}
          max={100_000}
          allowDecimal={false}
          value={spec.sizeGiB}
          onChange={(sizeGiB) => change({ ...spec, sizeGiB: typeof sizeGiB === 'number' ? sizeGiB : 1 })}
          error={faults.get('/spec/sizeGiB')}
          data-testid="volume-size"
        />
        <Autocomplete
          label={text.type}
          data={catalog.data?.volumeTypes ?? []}
          value={spec.type ?? ''}
          onChange={(type) => change({ ...spec, type: type === '' ? null : type })}
          error={faults.get('/spec/type')}
        />
        <Autocomplete
          label={strings.provision.pools.zone}
          data={catalog.data?.zones ?? []}
          value={spec.zone ?? ''}
          onChange={(zone) => change({ ...spec, zone: zone === '' ? null : zone })}
          error={faults.get('/spec/zone')}
        />
      </Group>
      <Source spec={spec} change={change} near={near} fault={faults.get('/spec/source/resource')} />
      <Select
        label={text.attachedTo}
        placeholder={text.detached}
        data={ofKind(near, 'machine').map(({ id }) => id)}
        value={spec.attachedTo}
        onChange={(machine) =>
          change({ ...spec, attachedTo: resourceIdSchema.safeParse(machine).data ?? null })
        }
        clearable
        searchable
        error={faults.get('/spec/attachedTo')}
      />
      <Checkbox
        label={text.patientData}
        description={text.patientDataHelp}
        checked={spec.holdsPatientData}
        onChange={(event) => change({ ...spec, holdsPatientData: event.currentTarget.checked })}
      />
    </Stack>
  );
}

function Source(props: {
  spec: VolumeSpec;
  change: (spec: VolumeSpec) => void;
  near: readonly ResourceView[];
  fault: string | undefined;
}): ReactNode {
  const { spec, change, near, fault } = props;
  const choices = (
    kind: 'snapshot' | 'volume',
  ): { group: string; items: { value: string; label: string }[] } => ({
    group: text.sources[kind],
    items: ofKind(near, kind).map(({ id }) => ({ value: `${kind} ${id}`, label: id })),
  });
  const { source } = spec;
  return (
    <Select
      label={text.source}
      placeholder={text.sources.blank}
      data={[choices('snapshot'), choices('volume')].filter(({ items }) => items.length > 0)}
      value={source.kind === 'blank' ? null : `${source.kind} ${source.resource}`}
      onChange={(chosen) => {
        const [kind, id] = chosen?.split(' ') ?? [];
        const resource = resourceIdSchema.safeParse(id).data;
        const isSource = resource !== undefined && (kind === 'snapshot' || kind === 'volume');
        change({ ...spec, source: isSource ? { kind, resource } : { kind: 'blank' } });
      }}
      clearable
      error={fault}
      data-testid="volume-source"
    />
  );
}
