import { ActionIcon, Badge, Button, Group, Menu, Skeleton, Table, Text } from '@mantine/core';
import {
  sessionPrioritySchema,
  type SessionPriority,
  type SessionView,
  type StudySummary,
} from '@medusa/protocol';
import { IconBrowser, IconCast, IconChevronDown } from '@tabler/icons-react';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { formatDicomDate, formatDicomTime } from '../../core/dicom-time.ts';
import { formatPersonName } from '../../core/person-name.ts';
import type { ApplicationChoice } from '../../core/public-config.ts';
import { strings } from '../../strings/en.ts';
import { firstOffer, offersFor } from './offers.ts';

const text = strings.worklist;

export type OpenChoice = {
  readonly applicationId: string;
  readonly mode: SessionView['mode'];
  /** Absent: routine. */
  readonly priority?: SessionPriority | undefined;
};

export type StudyTableProps = {
  /** Undefined while they are loaded. */
  readonly studies: readonly StudySummary[] | undefined;
  readonly arrivals: ReadonlySet<string>;
  readonly chosen: string | null;
  readonly choose: (uid: string) => void;
  readonly applications: readonly ApplicationChoice[];
  readonly canLaunch: boolean;
  readonly open: (study: StudySummary, choice: OpenChoice) => void;
};

/** More rows than fit any screen help nobody; the search finds the rest. */
const mostRows = 300;
const leastMenuPx = 160;

export function StudyTable({ studies, ...rest }: StudyTableProps): ReactNode {
  return (
    <Table className="worklist-table" verticalSpacing={8} highlightOnHover data-testid="worklist">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{text.columns.patient}</Table.Th>
          <Table.Th>{text.columns.patientID}</Table.Th>
          <Table.Th>{text.columns.birthDate}</Table.Th>
          <Table.Th>{text.columns.sex}</Table.Th>
          <Table.Th>{text.columns.study}</Table.Th>
          <Table.Th>{text.columns.modalities}</Table.Th>
          <Table.Th>{text.columns.description}</Table.Th>
          <Table.Th>{text.columns.accession}</Table.Th>
          <Table.Th ta="right">{text.columns.counts}</Table.Th>
          <Table.Th>{text.columns.from}</Table.Th>
          <Table.Th aria-label={text.open} />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {studies
          ? studies
              .slice(0, mostRows)
              .map((study) => <StudyRow key={study.studyInstanceUID} study={study} {...rest} />)
          : [0, 1, 2, 3, 4, 5].map((row) => (
              <Table.Tr key={row} aria-busy>
                <Table.Td colSpan={11}>
                  <Skeleton h={22} />
                </Table.Td>
              </Table.Tr>
            ))}
      </Table.Tbody>
    </Table>
  );
}

type RowProps = Omit<StudyTableProps, 'studies'> & { readonly study: StudySummary };

function StudyRow({ study, arrivals, chosen, choose, canLaunch, applications, open }: RowProps): ReactNode {
  const uid = study.studyInstanceUID;
  const isChosen = chosen === uid;
  const rowRef = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (isChosen) rowRef.current?.scrollIntoView({ block: 'nearest' });
  }, [isChosen]);
  const openDefault = (): void =>
    open(study, { applicationId: firstOffer(study, applications), mode: 'streamed' });

  return (
    <Table.Tr
      ref={rowRef}
      className="worklist-row"
      data-testid="worklist-row"
      data-study-uid={uid}
      data-chosen={isChosen || undefined}
      data-arrival={arrivals.has(uid) || undefined}
      aria-current={isChosen || undefined}
      tabIndex={-1}
      data-worklist-keys
      onClick={() => choose(uid)}
      onDoubleClick={openDefault}
    >
      <Table.Td fw={600}>{formatPersonName(study.patientName) || text.noName}</Table.Td>
      <Table.Td className="medusa-numeric">{study.patientID}</Table.Td>
      <Table.Td className="medusa-numeric worklist-nowrap">
        {formatDicomDate(study.patientBirthDate)}
      </Table.Td>
      <Table.Td>{study.patientSex}</Table.Td>
      <Table.Td className="medusa-numeric worklist-nowrap">
        {formatDicomDate(study.studyDate)}{' '}
        <Text span c="dimmed" size="sm">
          {formatDicomTime(study.studyTime)}
        </Text>
      </Table.Td>
      <Table.Td>
        <Group gap={4} wrap="nowrap">
          {study.modalitiesInStudy.map((modality) => (
            <Badge key={modality} variant="light" radius="sm" size="sm">
              {modality}
            </Badge>
          ))}
        </Group>
      </Table.Td>
      <Table.Td>{study.studyDescription}</Table.Td>
      <Table.Td className="medusa-numeric">{study.accessionNumber}</Table.Td>
      <Table.Td className="medusa-numeric worklist-nowrap" ta="right">
        {study.numberOfStudyRelatedSeries} / {study.numberOfStudyRelatedInstances}
      </Table.Td>
      <Table.Td>
        <Text size="xs" c="dimmed">
          {study.receivedFrom}
        </Text>
      </Table.Td>
      <Table.Td>
        {canLaunch && (
          <Group gap={0} wrap="nowrap" justify="flex-end">
            <Button
              size="compact-sm"
              className="worklist-open"
              onClick={openDefault}
              data-testid="open-button"
              data-worklist-keys
            >
              {text.open}
            </Button>
            <OpenMenu applications={offersFor(study, applications)} open={(choice) => open(study, choice)} />
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

/** What does not fit below the row is scrolled to. */
function fitHeight(place: {
  readonly availableHeight: number;
  readonly elements: { readonly floating: HTMLElement };
}): void {
  place.elements.floating.style.maxHeight = `${Math.max(leastMenuPx, place.availableHeight - 8)}px`;
}

function OpenMenu(props: {
  applications: readonly ApplicationChoice[];
  open: (choice: OpenChoice) => void;
}): ReactNode {
  const [priority, setPriority] = useState<SessionPriority>('routine');
  return (
    <Menu
      position="bottom-end"
      withinPortal
      middlewares={{ flip: true, shift: true, size: { apply: fitHeight } }}
    >
      <Menu.Target>
        <ActionIcon
          size={26}
          className="worklist-open-menu"
          aria-label={text.openMenu}
          onDoubleClick={(event) => event.stopPropagation()}
          data-testid="open-menu"
        >
          <IconChevronDown size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown className="worklist-menu">
        <Menu.Label>{strings.priority.label}</Menu.Label>
        <Menu.RadioGroup
          value={priority}
          onChange={(chosen) => setPriority(sessionPrioritySchema.parse(chosen))}
        >
          {sessionPrioritySchema.options.toReversed().map((one) => (
            <Menu.RadioItem key={one} value={one} data-testid={`open-priority-${one}`}>
              {strings.priority.names[one]}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Divider />
        {props.applications.map(({ id, name, modes }) => (
          <div key={id}>
            <Menu.Label>{name}</Menu.Label>
            {modes.map((mode) => (
              <Menu.Item
                key={mode}
                leftSection={mode === 'streamed' ? <IconCast size={16} /> : <IconBrowser size={16} />}
                onClick={() => props.open({ applicationId: id, mode, priority })}
                data-testid={`open-${id}-${mode}`}
              >
                {mode === 'streamed' ? text.streamed : text.local}
                <Text size="xs" c="dimmed">
                  {mode === 'streamed' ? text.streamedHint : text.localHint}
                </Text>
              </Menu.Item>
            ))}
          </div>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
