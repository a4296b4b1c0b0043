import { Badge, Button, Group, Menu, Paper, Progress, Stack, Text, Tooltip } from '@mantine/core';
import type { ProviderView, ResourceKind } from '@medusa/protocol';
import { IconBook2, IconDots, IconHeartbeat, IconPencil, IconTrash } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { notifyFailure } from '../../../ui/notify-failure.ts';
import { Facts } from '../facts.tsx';
import { formatInstant } from '../format-instant.ts';
import { useConfirm } from '../provision/plan-dialog.tsx';
import { useRefresh } from '../provision/use-provision.ts';

const text = strings.provision.providers;
const healthColours = { unknown: 'gray', reachable: 'teal', failing: 'red', disabled: 'gray' } as const;

type Props = { readonly provider: ProviderView; readonly edit: () => void; readonly browse: () => void };

/** One provider: whether it is well, what it can, how much of it is used. */
export function ProviderCard({ provider, edit, browse }: Props): ReactNode {
  const { health, capabilities, quotas, counts, title, id, kind } = provider;
  const state = provider.isEnabled ? health.state : 'disabled';
  return (
    <Paper
      component="article"
      bg="var(--medusa-surface)"
      withBorder
      p="md"
      aria-label={title}
      data-testid="provider-card"
      data-id={id}
      data-health={state}
    >
      <Stack gap="sm" h="100%">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <div>
            <Text fw={600}>{title}</Text>
            <Text size="xs" c="dimmed">
              {id} · {kind}
            </Text>
          </div>
          <Badge variant="light" radius="sm" miw="max-content" color={healthColours[state]}>
            {text.health[state]}
          </Badge>
        </Group>
        {health.reason !== '' && (
          <Text size="sm" c={health.state === 'failing' ? 'red.4' : 'dimmed'}>
            {health.reason}
          </Text>
        )}
        <Facts
          facts={[
            [text.version, health.version ?? strings.common.unknown],
            [
              text.latency,
              health.latencyMs === null ? strings.common.unknown : strings.viewer.ms(health.latencyMs),
            ],
            [text.checked, formatInstant(health.checkedAt)],
            [text.here, countsInWords(counts)],
          ]}
        />
        <Quotas quotas={quotas} />
        <Group gap={4} aria-label={text.capabilities}>
          {capabilities.map((capability) => (
            <Badge
              key={capability}
              size="xs"
              radius="sm"
              variant="default"
              tt="none"
              fw={400}
              miw="max-content"
            >
              {capability}
            </Badge>
          ))}
        </Group>
        <Actions {...{ provider, edit, browse }} />
      </Stack>
    </Paper>
  );
}

function countsInWords(counts: ProviderView['counts']): string {
  const words = (Object.entries(counts) as [ResourceKind, number][])
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} × ${strings.provision.kinds[kind]}`);
  return words.length === 0 ? text.none : words.join(', ');
}

function Quotas({ quotas }: Pick<ProviderView, 'quotas'>): ReactNode {
  if (quotas.length === 0) return null;
  return (
    <div className="admin-quotas" aria-label={text.quotas}>
      {quotas.map(({ name, used, limit, unit }) => {
        const share = limit === null || limit === 0 ? 0 : (used / limit) * 100;
        const amount = `${round(used)} / ${limit === null ? '∞' : round(limit)} ${unit}`;
        return (
          <Tooltip key={name} label={limit === null ? text.unlimited : `${Math.round(share)} %`}>
            <div>
              <Group justify="space-between" gap={4} wrap="nowrap">
                <Text size="xs" c="dimmed" truncate>
                  {name}
                </Text>
                <Text size="xs" className="medusa-numeric admin-instant">
                  {amount}
                </Text>
              </Group>
              <Progress
                size={5}
                value={share}
                color={share >= 90 ? 'red' : share >= 75 ? 'yellow' : 'teal'}
                aria-label={`${name} ${amount}`}
              />
            </div>
          </Tooltip>
        );
      })}
    </div>
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function Actions({ provider, edit, browse }: Props): ReactNode {
  const { api } = useServices();
  const confirm = useConfirm();
  const refresh = useRefresh();
  const { id } = provider;
  const checking = useMutation({
    mutationFn: async () => api.provision.checkProvider(id),
    onSettled: refresh,
  });
  return (
    <Group gap="xs" mt="auto" pt="xs">
      <Button
        size="xs"
        variant="light"
        leftSection={<IconHeartbeat size={15} />}
        loading={checking.isPending}
        onClick={() => notifyFailure(checking.mutateAsync())}
        data-testid="provider-check"
      >
        {text.check}
      </Button>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconBook2 size={15} />}
        onClick={browse}
        data-testid="provider-catalog"
      >
        {text.catalog}
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button
            size="xs"
            variant="subtle"
            color="gray"
            px={8}
            ml="auto"
            aria-label={`${strings.provision.actions}: ${id}`}
          >
            <IconDots size={16} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPencil size={15} />} onClick={edit}>
            {strings.provision.edit}
          </Menu.Item>
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={15} />}
            onClick={() =>
              confirm({
                title: text.removing(id),
                warning: text.removeWarning,
                act: async () => api.provision.removeProvider(id),
                isDestructive: true,
              })
            }
          >
            {strings.provision.remove}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
