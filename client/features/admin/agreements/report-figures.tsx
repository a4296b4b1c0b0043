import { Paper, Table, Text } from '@mantine/core';
import type { AgreementReport, IndicatorEventBody } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { ExpandableRows } from '../expandable-rows.tsx';
import { formatInstant } from '../format-instant.ts';
import { Loaded } from '../provision/loaded.tsx';
import { LeftOut, useWindowEvents, type AssessedWindow } from './left-out.tsx';
import { figureText } from './standing.ts';
import { GuaranteeBadge } from './state-badges.tsx';

const text = strings.agreements;
const mostShown = 100;

type Props = { readonly id: string; readonly guarantee: AgreementReport['guarantees'][number] };

/** The windows of one guarantee; each opens to the events that its figures were made from. */
export function ReportFigures({ id, guarantee }: Props): ReactNode {
  const { name, windows, budget, assessments } = guarantee;
  const measured = assessments.filter(({ eventIds }) => eventIds.length > 0);
  const shown = measured.slice(-mostShown).toReversed();
  return (
    <Paper component="section" bg="var(--medusa-surface)" withBorder p="md" aria-label={name}>
      <Text fw={600}>{name}</Text>
      <Text size="sm" c="dimmed">
        {text.counts(windows.fulfilled, windows.violated, windows.notDetermined)}
        {budget && `; ${text.budgetLeft}: ${strings.capacity.percent(budget.left)}`}
      </Text>
      {measured.length > mostShown && (
        <Text size="xs" c="dimmed">
          {text.latestOf(mostShown, measured.length)}
        </Text>
      )}
      <ExpandableRows
        label={name}
        columns={[text.windowColumn, text.state, text.figure, text.events]}
        empty={text.noWindows}
        testId="report-windows"
        rows={shown.map(({ windowFrom, windowTo, state, figures, eventIds }) => ({
          id: windowTo,
          cells: [
            `${formatInstant(windowFrom)} – ${formatInstant(windowTo)}`,
            <GuaranteeBadge key="state" state={state} />,
            figures.map(figureText).join('; '),
            String(eventIds.length),
          ],
          details: () => <Events id={id} window={{ guarantee: name, windowTo }} />,
        }))}
      />
    </Paper>
  );
}

function Events({ id, window }: { id: string; window: AssessedWindow }): ReactNode {
  const events = useWindowEvents(id, window);
  return (
    <Loaded query={events}>
      {({ events: counted, leftOut }) => (
        <>
          <LeftOut leftOut={leftOut} />
          {counted.length > 0 && <EventTable events={counted} />}
          {counted.length === 0 && (
            <Text c="dimmed">{leftOut.length === 0 ? text.noEvents : text.noneCounted}</Text>
          )}
        </>
      )}
    </Loaded>
  );
}

function EventTable({ events }: { events: readonly IndicatorEventBody[] }): ReactNode {
  return (
    <Table fz="xs" verticalSpacing={2} aria-label={text.events} data-testid="report-events">
      <Table.Thead>
        <Table.Tr>
          {Object.entries(text.eventColumns).map(([name, label]) => (
            <Table.Th key={name}>{label}</Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody className="medusa-numeric">
        {events.map(({ id, at, indicator, value, service, item, conditions }) => (
          <Table.Tr key={id}>
            <Table.Td className="admin-instant">{formatInstant(at)}</Table.Td>
            <Table.Td>{indicator}</Table.Td>
            <Table.Td>{value}</Table.Td>
            <Table.Td className="admin-object">
              {service}/{item}
            </Table.Td>
            <Table.Td c="dimmed">
              {Object.entries(conditions)
                .map(([fact, told]) => `${fact} = ${told}`)
                .join(', ')}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
