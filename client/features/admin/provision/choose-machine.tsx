import { Button, Group, Modal, Select, Stack } from '@mantine/core';
import { resourceIdSchema, type ResourceId, type ResourceView } from '@medusa/protocol';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';

type Props = {
  readonly title: string;
  readonly label: string;
  readonly machines: readonly Pick<ResourceView, 'id' | 'phase'>[];
  readonly choose: (machine: ResourceId) => void;
  readonly close: () => void;
};

/** One machine out of those that it can be. */
export function ChooseMachine({ title, label, machines, choose, close }: Props): ReactNode {
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <Modal opened onClose={close} title={title} closeButtonProps={{ 'aria-label': strings.common.close }}>
      <div data-testid="choose-machine">
        <Stack gap="md">
          <Select
            label={label}
            data={machines.map(({ id, phase }) => ({
              value: id,
              label: `${id} (${strings.provision.phases[phase]})`,
            }))}
            value={chosen}
            onChange={setChosen}
            searchable
            data-autofocus
            data-testid="machine-choice"
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {strings.common.cancel}
            </Button>
            <Button
              disabled={chosen === null}
              onClick={() => choose(resourceIdSchema.parse(chosen))}
              data-testid="machine-chosen"
            >
              {strings.provision.next}
            </Button>
          </Group>
        </Stack>
      </div>
    </Modal>
  );
}
