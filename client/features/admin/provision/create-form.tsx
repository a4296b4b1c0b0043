import { Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core';
import { providerIdSchema, resourceIdSchema, type ProviderId, type ProviderView } from '@medusa/protocol';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { ResourceInput } from '../../../core/provision-api.ts';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { FaultNotice } from './fault-notice.tsx';
import { faultsOf } from './faults.ts';
import { useConfirm } from './plan-dialog.tsx';

const text = strings.provision;

type Props<Spec> = {
  readonly title: string;
  readonly providers: readonly ProviderView[];
  /** Which of the providers can do it at all, e.g. `volumes`. */
  readonly capability: string;
  readonly initial: Spec;
  /** Where it must be, when something else decides that. */
  readonly provider?: ProviderId;
  readonly fields: (draft: {
    spec: Spec;
    change: (spec: Spec) => void;
    faults: ReadonlyMap<string, string>;
    provider: ProviderId | undefined;
  }) => ReactNode;
  readonly close: () => void;
};

/** Asks for a new resource: its name, where, what is special about its kind; then shows the plan. */
export function CreateForm<Spec extends ResourceInput['spec']>(props: Props<Spec>): ReactNode {
  const { title, providers, capability, initial, fields, close } = props;
  const { api } = useServices();
  const confirm = useConfirm();
  const able = providers.filter(({ capabilities }) => capabilities.includes(capability));
  const [id, setId] = useState('');
  const [provider, setProvider] = useState<string | null>(props.provider ?? able[0]?.id ?? null);
  const [spec, setSpec] = useState(initial);
  const planning = useMutation({
    mutationFn: async () => {
      const wanted = { id: id as never, provider: provider as never, spec };
      return { wanted, plan: await api.provision.planCreate(wanted) };
    },
    onSuccess: ({ wanted, plan }) =>
      confirm({
        title: `${title}: ${id}`,
        plan: async () => plan,
        act: async () => api.provision.create(wanted),
        done: close,
      }),
  });
  const faults = faultsOf(planning.error);
  const isNamed = resourceIdSchema.safeParse(id).success;
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={title}
      closeButtonProps={{ 'aria-label': strings.common.close }}
    >
      <div data-testid="create-form">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            planning.mutate();
          }}
        >
          <Stack gap="md">
            <Group grow align="flex-start">
              <TextInput
                label={text.id}
                description={text.idHelp}
                inputWrapperOrder={['label', 'input', 'description', 'error']}
                required
                value={id}
                onChange={(event) => setId(event.currentTarget.value)}
                error={faults.get('/id') ?? (id !== '' && !isNamed)}
                data-testid="create-id"
              />
              <Select
                label={text.provider}
                required
                data={able.map((candidate) => ({ value: candidate.id, label: candidate.title }))}
                value={provider}
                onChange={setProvider}
                disabled={props.provider !== undefined}
                allowDeselect={false}
                placeholder={text.noProviders}
                error={faults.get('/provider')}
                data-testid="create-provider"
              />
            </Group>
            {fields({
              spec,
              change: setSpec,
              faults,
              provider: providerIdSchema.safeParse(provider).data,
            })}
            <FaultNotice error={planning.error} />
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                {strings.common.cancel}
              </Button>
              <Button
                type="submit"
                loading={planning.isPending}
                disabled={!isNamed || provider === null}
                data-testid="create-plan"
              >
                {text.next}
              </Button>
            </Group>
          </Stack>
        </form>
      </div>
    </Modal>
  );
}
