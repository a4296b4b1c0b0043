import { Group, Kbd, SegmentedControl, Select, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import type { ReactNode, RefObject } from 'react';
import { strings } from '../../strings/en.ts';
import type { WorklistFilter } from './filter-studies.ts';

const text = strings.worklist;
const ranges = ['today', 'week', 'all'] as const;

type Props = {
  readonly filter: WorklistFilter;
  readonly modalities: readonly string[];
  readonly change: (filter: WorklistFilter) => void;
  readonly searchRef: RefObject<HTMLInputElement | null>;
};

export function WorklistFilters({ filter, modalities, change, searchRef }: Props): ReactNode {
  return (
    <Group gap="sm">
      <TextInput
        ref={searchRef}
        flex={1}
        miw={260}
        placeholder={text.search}
        aria-label={text.search}
        leftSection={<IconSearch size={16} />}
        rightSection={<Kbd aria-hidden>/</Kbd>}
        rightSectionPointerEvents="none"
        value={filter.search}
        onChange={(event) => change({ ...filter, search: event.currentTarget.value })}
        data-testid="worklist-search"
        data-worklist-keys
        autoFocus
      />
      <Select
        w={180}
        aria-label={text.modality}
        placeholder={text.allModalities}
        data={[...modalities]}
        value={filter.modality}
        onChange={(modality) => change({ ...filter, modality })}
        clearable
        data-testid="worklist-modality"
      />
      <SegmentedControl
        aria-label={text.range}
        data={ranges.map((value) => ({ value, label: text.ranges[value] }))}
        value={filter.range}
        onChange={(range) => change({ ...filter, range: ranges.find((known) => known === range) ?? 'all' })}
        data-testid="worklist-range"
      />
    </Group>
  );
}
