import { Button, Stack, Table, Text } from '@mantine/core';
import type { PlacementTerm, SessionView } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { useServices } from '../../ui/services.tsx';
import { Waterfall } from '../../ui/waterfall.tsx';
import { notifyFailure } from '../../ui/notify-failure.ts';
import { ExpandableRows } from './expandable-rows.tsx';
import { formatInstant } from './format-instant.ts';
import { StateBadge } from './state-badge.tsx';

const text = strings.admin;
const ended: readonly SessionView['state'][] = ['closing', 'closed', 'failed'];

/** Each session: where it runs and why there, how it started, how it ended. */
export function SessionsTab({ sessions }: { sessions: readonly SessionView[] }): ReactNode {
  const newestFirst = [...sessions].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  return (
    <ExpandableRows
      label={text.tabs.sessions}
      testId="admin-sessions"
      empty={text.noSessions}
      columns={[
        text.session,
        text.state,
        text.user,
        text.study,
        text.application,
        text.node,
        text.people,
        text.started,
        text.startup,
      ]}
      rows={newestFirst.map((session) => ({
        id: session.id,
        cells: [
          session.id.slice(0, 8),
          <StateBadge
            key="state"
            state={session.state}
            reason={session.failure?.detail ?? session.closeReason ?? ''}
          />,
          session.ownerName,
          session.studyTitle,
          `${session.applicationName} (${session.mode})`,
          session.nodeId ?? strings.common.unknown,
          session.participants,
          formatInstant(session.createdAt),
          startupTime(session),
        ],
        details: () => <SessionDetails session={session} />,
      }))}
    />
  );
}

function startupTime({ createdAt, streamingAt }: SessionView): string {
  if (streamingAt === null) return strings.common.unknown;
  return strings.viewer.ms(Date.parse(streamingAt) - Date.parse(createdAt));
}

/** The summands of a score: points of the most there could be, and the value behind them. */
function Terms({ terms }: { terms: readonly PlacementTerm[] }): ReactNode {
  return (
    <div className="medusa-numeric">
      {terms
        .map(({ term, value, unit, points, outOf }) => {
          const known = value === null ? strings.common.unknown : `${value} ${unit}`;
          return `${text.terms[term]} ${points}/${outOf} (${known})`;
        })
        .join(' · ')}
    </div>
  );
}

function SessionDetails({ session }: { session: SessionView }): ReactNode {
  const { api } = useServices();
  const { placement, steps, failure } = session;
  return (
    <Stack gap="sm" pb="sm" maw={760}>
      {failure && (
        <Text size="sm" c="red.4">
          {failure.code}: {failure.detail}
        </Text>
      )}
      {placement && (
        <div>
          <Text size="xs" c="dimmed">
            {text.placement}
          </Text>
          <Text size="sm">{placement.reason}</Text>
          {placement.predicted && (
            <Text size="xs" c="dimmed">
              {text.predicted(
                placement.predicted.firstImageMs,
                placement.predicted.firstImageCautiousMs,
                placement.predicted.frameMs,
              )}
            </Text>
          )}
          <Table fz="xs" aria-label={text.considered}>
            <Table.Tbody>
              {placement.considered.map(({ nodeId, score, note, terms }) => (
                <Table.Tr key={nodeId}>
                  <Table.Td>{nodeId}</Table.Td>
                  <Table.Td>{score?.toFixed(2) ?? strings.common.unknown}</Table.Td>
                  <Table.Td c="dimmed">
                    {note}
                    {terms.length > 0 && <Terms terms={terms} />}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
      {steps.length > 0 && <Waterfall steps={steps} />}
      {!ended.includes(session.state) && (
        <div>
          <Button
            size="xs"
            color="red"
            variant="light"
            onClick={() => notifyFailure(api.closeSession(session.id))}
            data-testid="end-session"
          >
            {text.end}
          </Button>
        </div>
      )}
    </Stack>
  );
}
