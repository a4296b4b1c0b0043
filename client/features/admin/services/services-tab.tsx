import { Button, Group, Switch, Text, Tooltip } from '@mantine/core';
import type { ServiceView } from '@medusa/protocol';
import { IconPlus, IconServer2 } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { Notice } from '../../../ui/notice.tsx';
import { Loaded } from '../provision/loaded.tsx';
import { useProviders, useRunningServices } from '../provision/use-provision.ts';
import { DeployForm } from './deploy-form.tsx';
import { ServiceSection } from './service-section.tsx';

const text = strings.services;

/** Manifests that run: how they are and why, what they are made of, and a way to deploy another one. */
export function ServicesTab(): ReactNode {
  const services = useRunningServices();
  const providers = useProviders();
  const [isDeploying, setDeploying] = useState(false);
  const canAdd = (providers.data?.length ?? 0) > 0;
  return (
    <Loaded query={services}>
      {(loaded) => (
        <>
          <Group justify="space-between">
            <Text size="sm" c="dimmed">
              {text.lead}
            </Text>
            <Tooltip label={text.needsProvider} disabled={canAdd}>
              <Button
                size="xs"
                leftSection={<IconPlus size={15} />}
                onClick={() => setDeploying(true)}
                disabled={!canAdd}
                data-testid="service-add"
              >
                {text.add}
              </Button>
            </Tooltip>
          </Group>
          <List services={loaded} />
          {isDeploying && (
            <DeployForm
              providers={providers.data ?? []}
              taken={loaded.map(({ id }) => id)}
              close={() => setDeploying(false)}
            />
          )}
        </>
      )}
    </Loaded>
  );
}

function List({ services }: { services: readonly ServiceView[] }): ReactNode {
  const [withReleased, setWithReleased] = useState(false);
  if (services.length === 0)
    return (
      <Notice icon={<IconServer2 size={40} stroke={1.3} />} title={text.empty} testId="services-empty">
        {text.emptyHelp}
      </Notice>
    );
  const released = services.filter(({ state }) => state.kind === 'absent').length;
  const shown = services.filter(({ state }) => withReleased || state.kind !== 'absent');
  return (
    <>
      {shown.length === 0 && <Text c="dimmed">{text.onlyReleased}</Text>}
      {shown.map((service) => (
        <ServiceSection key={service.id} service={service} />
      ))}
      {released > 0 && (
        <Switch
          size="xs"
          label={text.showReleased(released)}
          checked={withReleased}
          onChange={(event) => setWithReleased(event.currentTarget.checked)}
          data-testid="services-released"
        />
      )}
    </>
  );
}
