import { Group, NumberInput, Select, TagsInput, TextInput } from '@mantine/core';
import type { StudySummary } from '@medusa/protocol';
import { useMemo, type ReactNode } from 'react';
import { formatDicomDate } from '../../core/dicom-time.ts';
import { formatPersonName } from '../../core/person-name.ts';
import { strings } from '../../strings/en.ts';
import { useWorklist } from '../worklist/index.ts';

const text = strings.reservations;
const mostStudies = 50;
const mostGuests = 50;

/** A reservation as it is being written. */
export type ReserveDraft = {
  /** As `datetime-local` inputs have them. */
  readonly from: string;
  readonly until: string;
  readonly slots: number | string;
  readonly title: string;
  readonly study: string | null;
  readonly invited: readonly string[];
  readonly note: string;
};
type Props = { readonly draft: ReserveDraft; readonly change: (part: Partial<ReserveDraft>) => void };

/** When, how many, and what it is called. */
export function SlotFields({ draft, change, isOrdered }: Props & { isOrdered: boolean }): ReactNode {
  const { from, until, slots, title } = draft;
  return (
    <Group align="flex-start" gap="sm">
      <TextInput
        type="datetime-local"
        label={text.from}
        required
        value={from}
        onChange={(event) => change({ from: event.currentTarget.value })}
        data-testid="reserve-from"
      />
      <TextInput
        type="datetime-local"
        label={text.until}
        required
        value={until}
        onChange={(event) => change({ until: event.currentTarget.value })}
        error={!isOrdered && text.order}
        data-testid="reserve-until"
      />
      <NumberInput
        label={text.slots}
        required
        w={90}
        min={1}
        max={1_000}
        allowDecimal={false}
        value={slots}
        onChange={(next) => change({ slots: next })}
        data-testid="reserve-slots"
      />
      <TextInput
        label={text.entry}
        placeholder={text.entryPlaceholder}
        flex={1}
        miw={160}
        maxLength={200}
        value={title}
        onChange={(event) => change({ title: event.currentTarget.value })}
        data-testid="reserve-title"
      />
    </Group>
  );
}

/** What is to be shown, to whom. */
export function EntryFields({ draft, change }: Props): ReactNode {
  const { study, invited, note } = draft;
  const { studies } = useWorklist();
  const choices = useMemo(
    () =>
      [...(studies?.values() ?? [])].map((one) => ({ value: one.studyInstanceUID, label: studyLabel(one) })),
    [studies],
  );
  return (
    <>
      <Select
        label={text.study}
        placeholder={text.studyHelp}
        flex={1}
        miw={200}
        data={choices}
        limit={mostStudies}
        value={study}
        onChange={(next) => change({ study: next })}
        searchable
        clearable
        nothingFoundMessage={text.noStudy}
        data-testid="reserve-study"
      />
      <TagsInput
        label={text.invited}
        placeholder={invited.length === 0 ? text.invitedHelp : ''}
        flex={1}
        miw={200}
        maxTags={mostGuests}
        value={[...invited]}
        onChange={(next) => change({ invited: next })}
        data-testid="reserve-invited"
      />
      <TextInput
        label={text.note}
        flex={1}
        miw={140}
        maxLength={200}
        value={note}
        onChange={(event) => change({ note: event.currentTarget.value })}
        data-testid="reserve-note"
      />
    </>
  );
}

function studyLabel({ patientName, patientID, studyDate, studyDescription }: StudySummary): string {
  const who = formatPersonName(patientName) || patientID || strings.worklist.noName;
  return [who, formatDicomDate(studyDate), studyDescription].filter((word) => word !== '').join(' · ');
}
