import { Alert, Badge, Button, Group, Paper, Progress, Stack, Text } from '@mantine/core';
import type { ServiceState, ServiceView } from '@medusa/protocol';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { Facts } from '../facts.tsx';
import { formatInstant } from '../format-instant.ts';
import { useConfirm } from '../provision/plan-dialog.tsx';
import { ServiceParts } from './service-parts.tsx';
import { ServiceSteps } from './service-steps.tsx';
import {
  actionOf,
  actsOf,
  hasParts,
  planOf,
  progressOf,
  reasonText,
  shownState,
  type ServiceAct,
  type ShownState,
} from './standing.ts';

const text = strings.services;

const colours: Readonly<Record<ShownState, string>> = {
  idle: 'gray',
  deploy: 'blue',
  restart: 'blue',
  suspend: 'blue',
  running: 'teal',
  degraded: 'yellow',
  suspended: 'violet',
  releasing: 'orange',
  'taken-back': 'orange',
  error: 'red',
  absent: 'gray',
};
const troubled: readonly ServiceState['kind'][] = ['degraded', 'error'];

/** One service: its state and why, how far its work is, its parts, what was done, what can be done. */
export function ServiceSection({ service }: { service: ServiceView }): ReactNode {
  const { id, manifest, provider, agreement, state, since, createdAt, createdBy, nodes, steps } = service;
  const shown = shownState(state);
  return (
    <Paper
      component="section"
      bg="var(--medusa-surface)"
      withBorder
      p="md"
      aria-label={id}
      data-testid="service"
      data-id={id}
      data-state={state.kind}
    >
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Group gap="sm">
            <Text fw={600} size="lg">
              {id}
            </Text>
            <Badge variant="light" radius="sm" color={colours[shown]} miw="max-content">
              {text.states[shown]}
            </Badge>
            <Text size="sm" c="dimmed">
              {text.at(manifest, provider)}
            </Text>
          </Group>
          <Acts service={service} />
        </Group>
        <Standing service={service} />
        <Facts
          facts={[
            [text.since, formatInstant(since)],
            [text.created, formatInstant(createdAt)],
            [text.createdBy, createdBy],
            ...(agreement === null ? [] : [[text.agreement, agreement] as const]),
          ]}
        />
        {hasParts(service) && (
          <ServiceParts
            label={`${text.parts}: ${id}`}
            nodes={nodes}
            tellsReady={state.kind === 'suspended'}
          />
        )}
        <ServiceSteps label={`${text.steps}: ${id}`} steps={steps} />
      </Stack>
    </Paper>
  );
}

/** In words, and as a bar while something is under way. */
function Standing({ service }: { service: ServiceView }): ReactNode {
  const reason = reasonText(service);
  const progress = progressOf(service);
  return (
    <div aria-live="polite">
      {troubled.includes(service.state.kind) && (
        <Alert
          color={service.state.kind === 'error' ? 'red' : 'yellow'}
          variant="light"
          icon={<IconAlertTriangle />}
          data-testid="service-reason"
        >
          {reason}
        </Alert>
      )}
      {!troubled.includes(service.state.kind) && reason !== '' && (
        <Text size="sm" data-testid="service-reason">
          {reason}
        </Text>
      )}
      {progress && progress.all > 0 && (
        <Group gap="sm" mt={4} wrap="nowrap">
          <Progress
            flex={1}
            size="sm"
            animated
            value={(progress.done / progress.all) * 100}
            aria-label={progress.words}
          />
          <Text size="xs" c="dimmed" className="medusa-numeric">
            {progress.words}
          </Text>
        </Group>
      )}
    </div>
  );
}

function Acts({ service }: { service: ServiceView }): ReactNode {
  const { api } = useServices();
  const confirm = useConfirm();
  const { id, state } = service;
  const ask = (act: ServiceAct): void => {
    const plan = planOf(act, service);
    confirm({
      title: text.actTitle(text.acts[act], id),
      warning: text.actWarnings[act],
      act: async () => api.services.act(id, actionOf(act)),
      ...(plan ? { plan: async () => plan } : {}),
      ...(act === 'release' ? { isDestructive: true, typed: id } : {}),
    });
  };
  return (
    <Group gap="xs" wrap="nowrap" role="group" aria-label={`${strings.provision.actions}: ${id}`}>
      {actsOf(state).map((act) => (
        <Button
          key={act}
          size="xs"
          variant={act === 'release' ? 'light' : 'default'}
          {...(act === 'release' ? { color: 'red' } : {})}
          onClick={() => ask(act)}
          data-testid={`service-${act}`}
        >
          {text.acts[act]}
        </Button>
      ))}
    </Group>
  );
}
