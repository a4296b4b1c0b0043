import { Kbd, Modal, Stack, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';

export function KeyboardHelp({ isOpen, close }: { isOpen: boolean; close: () => void }): ReactNode {
  return (
    <Modal
      opened={isOpen}
      onClose={close}
      title={strings.keyboard.title}
      closeButtonProps={{ 'aria-label': strings.common.close }}
      data-testid="keyboard-help"
    >
      <Stack gap="md">
        {strings.keyboard.groups.map(({ title, keys }) => (
          <div key={title}>
            <Text size="sm" c="dimmed">
              {title}
            </Text>
            <Table withRowBorders={false}>
              <Table.Tbody>
                {keys.map(([names, meaning]) => (
                  <Table.Tr key={meaning}>
                    <Table.Td w={150}>
                      {names.map((name) => (
                        <Kbd key={name} mr={4}>
                          {name}
                        </Kbd>
                      ))}
                    </Table.Td>
                    <Table.Td>{meaning}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </div>
        ))}
      </Stack>
    </Modal>
  );
}
