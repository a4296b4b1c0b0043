import { Paper, Table, Text } from '@mantine/core';
import type { AgreementReport, IndicatorEventBody } from '@medusa/protocol';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { ExpandableRows } from '../expandable-rows.tsx';
import { formatInstant } from '../format-instant.ts';
import { Loaded } from '../provision/loaded.tsx';
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

function Events(props: { id: string; window: { guarantee: string; windowTo: string } }): ReactNode {
  const { id, window } = props;
  const { api } = useServices();
  const events = useQuery({
    queryKey: ['agreement-events', id, window],
    queryFn: async ({ signal }) => api.agreements.events(id, window, signal),
  });
  return (
    <Loaded query={events}>
      {(known) =>
        known.length === 0 ? <Text c="dimmed">{text.noEvents}</Text> : <EventTable events={known} />
      }
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
