import {
  Button,
  Fieldset,
  Group,
  Modal,
  Select,
  Skeleton,
  Stack,
  Switch,
  Text,
  TextInput,
} from '@mantine/core';
import type { ProviderKindView, ProviderView } from '@medusa/protocol';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useMemo, useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { FailureNotice } from '../provision/loaded.tsx';
import { FaultNotice } from '../provision/fault-notice.tsx';
import { faultsOf } from '../provision/faults.ts';
import { useRefresh } from '../provision/use-provision.ts';
import { filledIn, initialOf, shapeOf, type Values } from './schema-form.ts';
import { SchemaFields } from './schema-fields.tsx';

const text = strings.provision.providers;

type Props = { readonly provider: ProviderView | 'new'; readonly close: () => void };

/** Sets up a provider, or changes it: the form is made of what the driver says it needs. */
export function ProviderForm({ provider, close }: Props): ReactNode {
  const { api } = useServices();
  const kinds = useQuery({
    queryKey: ['provision', 'kinds'],
    queryFn: async ({ signal }) => api.provision.kinds(signal),
    staleTime: Infinity,
  });
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={provider === 'new' ? text.add : text.editing(provider.id)}
      closeButtonProps={{ 'aria-label': strings.common.close }}
    >
      <div data-testid="provider-form">
        {kinds.isPending && <Skeleton h={200} />}
        {kinds.error && <FailureNotice error={kinds.error} title={strings.provision.failed} />}
        {kinds.data && <Inputs kinds={kinds.data} provider={provider} close={close} />}
      </div>
    </Modal>
  );
}

function Inputs({ kinds, provider, close }: Props & { kinds: readonly ProviderKindView[] }): ReactNode {
  const { api } = useServices();
  const refresh = useRefresh();
  const isNew = provider === 'new';
  const [id, setId] = useState(isNew ? '' : provider.id.toString());
  const [title, setTitle] = useState(isNew ? '' : provider.title);
  const [isEnabled, setIsEnabled] = useState(isNew || provider.isEnabled);
  const [chosen, setChosen] = useState(isNew ? kinds[0]?.kind : provider.kind);
  const kind = kinds.find((candidate) => candidate.kind === chosen);
  const shapes = useMemo(
    () => ({ settings: shapeOf(kind?.settings, false), credentials: shapeOf(kind?.credentials, true) }),
    [kind],
  );
  const [settings, setSettings] = useState<Values>(isNew ? initialOf(shapes.settings) : provider.settings);
  const [credentials, setCredentials] = useState<Values>({});
  const saving = useMutation({
    mutationFn: async () => {
      if (!kind) throw new Error('No kind is chosen');
      const given = hasMoreThanConstants(credentials, initialOf(shapes.credentials)) || isNew;
      return api.provision.putProvider(id, {
        kind: kind.kind,
        title: title === '' ? id : title,
        settings: valuesOf(filledIn(settings)),
        ...(given
          ? { credentials: { ...initialOf(shapes.credentials), ...valuesOf(filledIn(credentials)) } }
          : {}),
        isEnabled,
      });
    },
    onSuccess: () => {
      refresh();
      close();
    },
  });
  const faults = faultsOf(saving.error);
  const choose = (next: string | null): void => {
    const found = kinds.find((candidate) => candidate.kind === next);
    if (!found) return;
    setChosen(found.kind);
    setSettings(initialOf(shapeOf(found.settings, false)));
    setCredentials({});
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        saving.mutate();
      }}
    >
      <Stack gap="md">
        <Group grow align="flex-start">
          <Select
            label={text.kind}
            data={kinds.map((candidate) => ({ value: candidate.kind, label: candidate.title }))}
            value={chosen ?? null}
            onChange={choose}
            disabled={!isNew}
            searchable
            allowDeselect={false}
            data-testid="provider-kind"
          />
          <TextInput
            label={strings.provision.id}
            description={strings.provision.idHelp}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            required
            disabled={!isNew}
            value={id}
            error={faults.get('/id')}
            onChange={(event) => setId(event.currentTarget.value)}
            data-testid="provider-id"
          />
        </Group>
        <TextInput
          label={text.titleField}
          value={title}
          onChange={(event) => setTitle(event.currentTarget.value)}
        />
        <Fieldset legend={text.settings}>
          <SchemaFields
            key={chosen}
            shape={shapes.settings}
            values={settings}
            change={setSettings}
            pointer="/settings"
            faults={faults}
          />
        </Fieldset>
        <Fieldset legend={text.credentials}>
          <Text size="xs" c="dimmed" mb="xs">
            {!isNew && provider.hasCredentials ? text.keepCredentials : text.credentialsHelp}
          </Text>
          <SchemaFields
            key={chosen}
            shape={shapes.credentials}
            values={credentials}
            change={setCredentials}
            pointer="/credentials"
            faults={faults}
          />
        </Fieldset>
        <Switch
          label={text.enabled}
          description={text.enabledHelp}
          checked={isEnabled}
          onChange={(event) => setIsEnabled(event.currentTarget.checked)}
        />
        <FaultNotice error={saving.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {strings.common.cancel}
          </Button>
          <Button type="submit" loading={saving.isPending} disabled={!kind} data-testid="provider-save">
            {strings.provision.save}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Whether a person filled anything in beside what the form itself puts there. */
function hasMoreThanConstants(values: Values, initial: Values): boolean {
  const filled = valuesOf(filledIn(values));
  return Object.entries(filled).some(([name, value]) => initial[name] !== value);
}

function valuesOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
