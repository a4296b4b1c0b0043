import { Button, Code, Drawer, Group, Stack, Text } from '@mantine/core';
import type { ResourceId, ResourceView, SessionView } from '@medusa/protocol';
import { IconTerminal2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { EventLines } from '../events/event-lines.tsx';
import { Facts } from '../facts.tsx';
import { formatInstant } from '../format-instant.ts';
import { FailureNotice, Loaded } from '../provision/loaded.tsx';
import { PhaseBadge } from '../provision/phase.tsx';
import { useEvents, useResource } from '../provision/use-provision.ts';
import { useNow, Waiting } from '../provision/waiting.tsx';
import { NodeActions } from './node-actions.tsx';
import { NodeTimeline } from './node-timeline.tsx';

const text = strings.provision.node;
const readEvents = 200;
const shownEvents = 15;

type Props = {
  readonly id: ResourceId;
  readonly sessions: readonly SessionView[];
  readonly close: () => void;
};

/** Everything about one node: how it is and why, what happened to it, what can be done. */
export function NodeDrawer({ id, sessions, close }: Props): ReactNode {
  const node = useResource(id);
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size={620}
      title={id}
      closeButtonProps={{ 'aria-label': strings.common.close }}
    >
      <div data-testid="node-drawer">
        <Loaded query={node}>
          {(loaded) => (
            <Details node={loaded} sessions={sessions.filter(({ nodeId }) => nodeId?.toString() === id)} />
          )}
        </Loaded>
      </div>
    </Drawer>
  );
}

function Details({ node, sessions }: { node: ResourceView; sessions: readonly SessionView[] }): ReactNode {
  const now = useNow();
  const events = useEvents({ resource: node.id, limit: readEvents });
  return (
    <Stack gap="lg">
      <Stack gap="sm">
        <Group gap="sm" wrap="nowrap" align="flex-start">
          <PhaseBadge phase={node.phase} reason="" />
          <Text size="sm" data-testid="node-reason">
            {node.reason === '' ? strings.provision.phaseHelp[node.phase] : node.reason}
          </Text>
        </Group>
        {node.waiting && <Waiting waiting={node.waiting} nextTryAt={node.nextTryAt} now={now} />}
        <NodeActions node={node} />
      </Stack>
      <Facts facts={factsOf(node)} />
      <Section title={text.timeline}>
        <Loaded query={events}>{(lines) => <NodeTimeline events={lines} now={now} />}</Loaded>
      </Section>
      <Section title={text.liveSessions}>
        {sessions.length === 0 ? (
          <Text size="sm" c="dimmed">
            {text.noSessions}
          </Text>
        ) : (
          sessions.map(({ id, ownerName, state, createdAt }) => (
            <Text key={id} size="sm" className="medusa-numeric">
              {id.slice(0, 8)} · {text.openSession(ownerName)} · {state} · {formatInstant(createdAt)}
            </Text>
          ))
        )}
      </Section>
      {node.spec.kind === 'machine' && <Console id={node.id} />}
      <Section title={text.events}>
        <EventLines events={events.data?.slice(0, shownEvents) ?? []} />
        <Link to="/admin" search={{ tab: 'events', resource: node.id }} className="admin-link">
          {text.allEvents}
        </Link>
      </Section>
    </Stack>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }): ReactNode {
  return (
    <section aria-label={title}>
      <Text size="sm" fw={600} mb={6}>
        {title}
      </Text>
      {children}
    </section>
  );
}

function factsOf(node: ResourceView): [string, string][] {
  const { spec, pool, provider, ref, addresses, incarnation, liveSessions, createdAt, changedAt } = node;
  const machine: [string, string][] =
    spec.kind === 'machine'
      ? [
          [strings.provision.pools.image, spec.image],
          [strings.provision.pools.size, spec.size],
          [strings.provision.pools.zone, spec.zone ?? strings.common.unknown],
          [strings.provision.pools.revision, spec.revision],
        ]
      : [];
  return [
    [text.pool, pool ?? strings.common.unknown],
    [strings.provision.provider, provider],
    ...machine,
    [text.incarnation, String(incarnation)],
    [text.liveSessions, String(liveSessions)],
    [text.addresses, addresses.length === 0 ? strings.common.unknown : addresses.join(', ')],
    [text.ref, ref ?? strings.common.unknown],
    [text.created, formatInstant(createdAt)],
    [text.changed, formatInstant(changedAt)],
    [text.wanted, node.isWanted ? text.yes : text.no],
  ];
}

/** Read only when asked for: reading it is a call at the provider. */
function Console({ id }: { id: ResourceId }): ReactNode {
  const { api } = useServices();
  const [isShown, setIsShown] = useState(false);
  const output = useQuery({
    queryKey: ['provision', 'console', id],
    queryFn: async ({ signal }) => api.provision.console(id, signal),
    enabled: isShown,
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
  });
  return (
    <Section title={text.console}>
      <Stack gap="xs" align="flex-start">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconTerminal2 size={15} />}
          loading={output.isFetching}
          onClick={() => {
            if (isShown) void output.refetch();
            else setIsShown(true);
          }}
          data-testid="console-read"
        >
          {isShown ? text.refreshConsole : text.showConsole}
        </Button>
        {output.error && <FailureNotice error={output.error} title={strings.provision.failed} />}
        {output.data?.kind === 'text' && (
          <Code block className="node-console" tabIndex={0} data-testid="console-text">
            {output.data.text === '' ? text.emptyConsole : output.data.text}
          </Code>
        )}
        {output.data?.kind === 'url' && (
          <a href={safeUrl(output.data.url)} target="_blank" rel="noreferrer">
            {text.openConsole}
          </a>
        )}
      </Stack>
    </Section>
  );
}

/** A provider's answer must not become a script. */
function safeUrl(url: string): string {
  return /^https?:\/\//i.test(url) ? url : 'about:blank';
}
