import { Button, Group, Modal, Stack } from '@mantine/core';
import type { EntityView } from '@medusa/protocol';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { FaultNotice } from '../provision/fault-notice.tsx';
import { faultsOf } from '../provision/faults.ts';
import { draftOf, inputOf, newDraft } from './entity-draft.ts';
import { AddressFields, RightsFields, RoutingFields, SecurityFields } from './entity-fields.tsx';

const text = strings.entities.form;

type Props = {
  /** The title of one that is to be added, or one that is there. */
  readonly entity: EntityView | string;
  /** Titles that something can be sent on to. */
  readonly destinations: readonly string[];
  readonly close: () => void;
};

/** Adds an application entity, or changes it. Storage nodes go by it as soon as it is saved. */
export function EntityForm({ entity, destinations, close }: Props): ReactNode {
  const isNew = typeof entity === 'string';
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={isNew ? text.adding : text.editing(entity.title)}
      closeButtonProps={{ 'aria-label': strings.common.close }}
    >
      <Inputs entity={entity} destinations={destinations} close={close} />
    </Modal>
  );
}

function Inputs({ entity, destinations, close }: Props): ReactNode {
  const { api } = useServices();
  const queries = useQueryClient();
  const isNew = typeof entity === 'string';
  const [draft, setDraft] = useState(isNew ? newDraft(entity) : draftOf(entity));
  const saving = useMutation({
    mutationFn: async () => api.entities.put(draft.title.trim(), inputOf(draft)),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['entities'] });
      close();
    },
  });
  const fields = {
    draft,
    faults: faultsOf(saving.error),
    change: (next: Partial<typeof draft>): void => setDraft({ ...draft, ...next }),
  };
  return (
    <form
      data-testid="entity-form"
      onSubmit={(event) => {
        event.preventDefault();
        saving.mutate();
      }}
    >
      <Stack gap="md">
        <AddressFields {...fields} isNew={isNew} />
        <SecurityFields {...fields} />
        <RightsFields {...fields} />
        <RoutingFields {...fields} destinations={destinations.filter((title) => title !== draft.title)} />
        <FaultNotice error={saving.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {strings.common.cancel}
          </Button>
          <Button type="submit" loading={saving.isPending} data-testid="entity-save">
            {text.save}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
