import { Button, Group, Paper, Stack, Table, Text } from '@mantine/core';
import type { ResourceView } from '@medusa/protocol';
import { IconPlus } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { PhaseBadge } from './phase.tsx';

const text = strings.provision;

type Props<Resource> = {
  readonly title: string;
  readonly lead?: string;
  readonly empty: string;
  readonly columns: readonly string[];
  readonly resources: readonly Resource[];
  readonly cells: (resource: Resource) => readonly ReactNode[];
  readonly actions: (resource: Resource) => ReactNode;
  readonly add?: { readonly label: string; readonly act: () => void };
  readonly testId: string;
};

/** Resources of one kind: name, state, what is special about them, what can be done. */
export function ResourceTable<Resource extends Pick<ResourceView, 'id' | 'provider' | 'phase' | 'reason'>>(
  props: Props<Resource>,
): ReactNode {
  const { title, lead, empty, columns, resources, cells, actions, add, testId } = props;
  return (
    <Paper
      component="section"
      bg="var(--medusa-surface)"
      withBorder
      p="md"
      aria-label={title}
      data-testid={testId}
    >
      <Stack gap="sm">
        <Group justify="space-between">
          <div>
            <Text fw={600}>{title}</Text>
            {lead !== undefined && (
              <Text size="xs" c="dimmed">
                {lead}
              </Text>
            )}
          </div>
          {add && (
            <Button
              size="xs"
              variant="light"
              leftSection={<IconPlus size={15} />}
              onClick={add.act}
              data-testid={`${testId}-add`}
            >
              {add.label}
            </Button>
          )}
        </Group>
        {resources.length === 0 ? (
          <Text size="sm" c="dimmed">
            {empty}
          </Text>
        ) : (
          <Table verticalSpacing={6} fz="sm">
            <Table.Thead>
              <Table.Tr>
                {[text.id, text.phase, text.provider, ...columns].map((column) => (
                  <Table.Th key={column}>{column}</Table.Th>
                ))}
                <Table.Th aria-label={text.actions} />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody className="medusa-numeric">
              {resources.map((resource) => (
                <Table.Tr
                  key={resource.id}
                  data-testid="resource-row"
                  data-id={resource.id}
                  data-phase={resource.phase}
                >
                  <Table.Td fw={500}>{resource.id}</Table.Td>
                  <Table.Td>
                    <PhaseBadge phase={resource.phase} reason={resource.reason} />
                  </Table.Td>
                  <Table.Td c="dimmed">{resource.provider}</Table.Td>
                  {cells(resource).map((cell, index) => (
                    <Table.Td key={columns[index]}>{cell}</Table.Td>
                  ))}
                  <Table.Td>
                    <Group gap={4} justify="flex-end" wrap="nowrap">
                      {actions(resource)}
                    </Group>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Stack>
    </Paper>
  );
}

/** A small button in a row. */
export function RowButton(props: {
  label: string;
  act: () => void;
  testId: string;
  isDestructive?: boolean;
}): ReactNode {
  const { label, act, testId, isDestructive = false } = props;
  return (
    <Button
      size="compact-xs"
      variant={isDestructive ? 'subtle' : 'default'}
      {...(isDestructive ? { color: 'red' } : {})}
      onClick={act}
      data-testid={testId}
    >
      {label}
    </Button>
  );
}
