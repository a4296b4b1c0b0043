import { Button, Group, NumberInput, SegmentedControl, Select, SimpleGrid, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import type { WhatIfDraft } from './draft.ts';

const text = strings.capacity;
const timeZones = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];

type Numbers = {
  [Field in keyof WhatIfDraft]: WhatIfDraft[Field] extends number ? Field : never;
}[keyof WhatIfDraft];

type Field = {
  readonly field: Numbers;
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly placeholder?: string;
};

const recordedFields: readonly Field[] = [{ field: 'days', label: text.days, min: 1, max: 28 }];
const inventedFields: readonly Field[] = [
  { field: 'perHour', label: text.perHour, min: 0.1, max: 1_000 },
  { field: 'holdMinutes', label: text.holdMinutes, min: 0.1, max: 1_440 },
];
const otherFields: readonly Field[] = [
  { field: 'nodesFrom', label: text.nodesFrom, min: 1, max: 1_000 },
  { field: 'nodesTo', label: text.nodesTo, min: 1, max: 1_000 },
  { field: 'slotsPerNode', label: text.slotsPerNode, min: 1, max: 64 },
  { field: 'bootSeconds', label: text.bootSeconds, min: 0, max: 7_200 },
  { field: 'failureHours', label: text.failureHours, min: 0, max: 100_000, placeholder: text.failureNever },
  { field: 'price', label: text.price, min: 0, max: 10_000 },
  { field: 'promiseSeconds', label: text.promise, min: 0, max: 86_400 },
  { field: 'breachPercent', label: text.breachPercent, min: 0.1, max: 50 },
];

type Props = {
  readonly draft: WhatIfDraft;
  readonly change: (draft: WhatIfDraft) => void;
  readonly compute: () => void;
  readonly isComputing: boolean;
};

/** What is asked of the model. */
export function WhatIfForm({ draft, change, compute, isComputing }: Props): ReactNode {
  const fields = [...(draft.source === 'recorded' ? recordedFields : inventedFields), ...otherFields];
  return (
    <form
      aria-label={text.intro}
      onSubmit={(event) => {
        event.preventDefault();
        compute();
      }}
    >
      <Stack gap="sm">
        <Group gap="sm">
          <Text size="sm">{text.source}</Text>
          <SegmentedControl
            size="xs"
            value={draft.source}
            onChange={(source) =>
              change({ ...draft, source: source === 'synthetic' ? 'synthetic' : 'recorded' })
            }
            data={[
              { value: 'recorded', label: text.sources.recorded },
              { value: 'synthetic', label: text.sources.synthetic },
            ]}
            data-testid="what-if-source"
          />
        </Group>
        <SimpleGrid cols={6} spacing="sm">
          {fields.map(({ field, label, min, max, placeholder }) => (
            <NumberInput
              key={field}
              size="xs"
              label={label}
              value={field === 'failureHours' && draft.failureHours === 0 ? '' : draft[field]}
              onChange={(value) => change({ ...draft, [field]: typeof value === 'number' ? value : 0 })}
              {...{ min, max }}
              {...(placeholder === undefined ? {} : { placeholder })}
              data-testid={`what-if-${field}`}
            />
          ))}
          <Select
            size="xs"
            label={text.timeZone}
            data={timeZones}
            value={draft.timeZone}
            onChange={(timeZone) => change({ ...draft, timeZone: timeZone ?? 'UTC' })}
            searchable
            allowDeselect={false}
          />
        </SimpleGrid>
        <Group justify="flex-end">
          <Button type="submit" size="xs" loading={isComputing} data-testid="what-if-compute">
            {text.compute}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
