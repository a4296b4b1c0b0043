import { Button, Fieldset, Group, Modal, MultiSelect, SimpleGrid, Stack, TextInput } from '@mantine/core';
import { providerIdSchema, type PoolView, type ProviderView } from '@medusa/protocol';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { FaultNotice } from '../provision/fault-notice.tsx';
import { faultsOf } from '../provision/faults.ts';
import { useConfirm } from '../provision/plan-dialog.tsx';
import { useCatalog } from '../provision/use-provision.ts';
import { MachineFields } from './machine-fields.tsx';
import { Amount, PolicyFields } from './policy-fields.tsx';
import { draftOf, inputOf } from './pool-draft.ts';

const text = strings.provision.pools;

type Props = {
  readonly pool: PoolView | 'new';
  readonly providers: readonly ProviderView[];
  readonly close: () => void;
};

/** Sets up a pool, or changes it; what that would do is shown before it is done. */
export function PoolEditor({ pool, providers, close }: Props): ReactNode {
  const { api } = useServices();
  const confirm = useConfirm();
  const isNew = pool === 'new';
  const [id, setId] = useState(isNew ? '' : pool.id.toString());
  const [draft, setDraft] = useState(() => draftOf(pool, Intl.DateTimeFormat().resolvedOptions().timeZone));
  const catalog = useCatalog(providerIdSchema.safeParse(draft.providers[0]).data);
  // The plan is asked for here, so that what is wrong with the input is said beside the input.
  const planning = useMutation({
    mutationFn: async () => api.provision.planPool(id, inputOf(draft)),
    onSuccess: (plan) =>
      confirm({
        title: isNew ? `${text.creating}: ${id}` : text.editing(id),
        plan: async () => plan,
        act: async () => api.provision.putPool(id, inputOf(draft)),
        done: close,
      }),
  });
  const faults = faultsOf(planning.error);
  return (
    <Modal
      opened
      onClose={close}
      size={800}
      title={isNew ? text.creating : text.editing(pool.id)}
      closeButtonProps={{ 'aria-label': strings.common.close }}
    >
      <div data-testid="pool-editor">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            planning.mutate();
          }}
        >
          <Stack gap="md">
            <Group grow align="flex-start">
              <TextInput
                label={strings.provision.id}
                required
                disabled={!isNew}
                value={id}
                onChange={(event) => setId(event.currentTarget.value)}
                error={faults.get('/id')}
                data-testid="pool-id"
              />
              <MultiSelect
                label={text.providers}
                required
                data={providers.map((provider) => ({ value: provider.id, label: provider.title }))}
                value={[...draft.providers]}
                onChange={(chosen) => setDraft({ ...draft, providers: chosen })}
                error={faults.get('/providers')}
                searchable
                data-testid="pool-providers"
              />
            </Group>
            <Fieldset legend={text.machine}>
              <MachineFields
                machine={draft.machine}
                change={(machine) => setDraft({ ...draft, machine })}
                catalog={catalog.data}
                faults={faults}
              />
            </Fieldset>
            <Fieldset legend={text.policy}>
              <PolicyFields
                policy={draft.policy}
                change={(policy) => setDraft({ ...draft, policy })}
                faults={faults}
              />
            </Fieldset>
            <Fieldset legend={text.health}>
              <SimpleGrid cols={2}>
                <Amount
                  label={text.maxUnhealthy}
                  value={draft.maxUnhealthyPercent}
                  change={(maxUnhealthyPercent) => setDraft({ ...draft, maxUnhealthyPercent })}
                  fault={faults.get('/maxUnhealthyPercent')}
                  testId="pool-max-unhealthy"
                />
                <Amount
                  label={text.joinSeconds}
                  value={draft.joinSeconds}
                  change={(joinSeconds) => setDraft({ ...draft, joinSeconds })}
                  fault={faults.get('/joinSeconds')}
                  testId="pool-join-seconds"
                />
              </SimpleGrid>
            </Fieldset>
            <FaultNotice error={planning.error} />
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                {strings.common.cancel}
              </Button>
              <Button type="submit" loading={planning.isPending} data-testid="pool-plan">
                {strings.provision.next}
              </Button>
            </Group>
          </Stack>
        </form>
      </div>
    </Modal>
  );
}
