import { Checkbox, Group, NumberInput, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { networkSpecSchema, type NetworkSpec } from '@medusa/protocol';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';

const text = strings.provision.networks;
const types = networkSpecSchema.shape.type.options;

export const newNetwork: NetworkSpec = {
  ...{ kind: 'network', tenant: 'medusa', type: 'vxlan', segment: null, cidrs: null },
  ...{ dhcp: true, hasGateway: true },
};

type Props = {
  readonly spec: NetworkSpec;
  readonly change: (spec: NetworkSpec) => void;
  readonly faults: ReadonlyMap<string, string>;
};

export function NetworkFields({ spec, change, faults }: Props): ReactNode {
  const [cidrs, setCidrs] = useState(spec.cidrs?.join(', ') ?? '');
  return (
    <Stack gap="sm">
      <Group grow align="flex-start">
        <TextInput
          label={text.tenant}
          required
          value={spec.tenant}
          onChange={(event) => change({ ...spec, tenant: event.currentTarget.value })}
          error={faults.get('/spec/tenant')}
          data-testid="network-tenant"
        />
        <div>
          <Text size="sm" fw={500} mb={4}>
            {text.type}
          </Text>
          <SegmentedControl
            fullWidth
            aria-label={text.type}
            data={[...types]}
            value={spec.type}
            onChange={(type) =>
              change({ ...spec, type: networkSpecSchema.shape.type.parse(type), segment: null })
            }
          />
        </div>
      </Group>
      <TextInput
        label={text.cidrs}
        description={text.cidrHelp}
        placeholder="10.20.0.0/24"
        value={cidrs}
        onChange={(event) => {
          const written = event.currentTarget.value;
          setCidrs(written);
          const list = written.split(/[\s,]+/).filter((part) => part !== '');
          change({ ...spec, cidrs: list.length === 0 ? null : list });
        }}
        error={faults.get('/spec/cidrs') ?? faults.get('/spec/cidrs/0') ?? faults.get('/spec/cidrs/1')}
        data-testid="network-cidrs"
      />
      {spec.type !== 'flat' && (
        <NumberInput
          label={text.segment}
          description={text.segmentHelp}
          min={1}
          max={spec.type === 'vlan' ? 4_094 : 16_777_215}
          value={spec.segment ?? ''}
          onChange={(segment) => change({ ...spec, segment: typeof segment === 'number' ? segment : null })}
          error={faults.get('/spec/segment')}
        />
      )}
      <Checkbox
        label={text.dhcp}
        checked={spec.dhcp}
        onChange={(event) => change({ ...spec, dhcp: event.currentTarget.checked })}
      />
      <Checkbox
        label={text.gateway}
        checked={spec.hasGateway}
        onChange={(event) => change({ ...spec, hasGateway: event.currentTarget.checked })}
      />
    </Stack>
  );
}
