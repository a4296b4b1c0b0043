import { Badge, SimpleGrid, Table, Text } from '@mantine/core';
import type { Transfer } from '@medusa/protocol';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { errorText } from '../../ui/error-text.ts';
import { useServices } from '../../ui/services.tsx';

const text = strings.transfers;

type Row = { readonly id: string; readonly name: string; readonly allowed: readonly Transfer[] | null };

/** What may pass between the displays of sessions and the computers of their users. */
export function TransferPolicyTable(): ReactNode {
  const { api } = useServices();
  const { data, error } = useQuery({
    queryKey: ['transfer-policy'],
    queryFn: async ({ signal }) => api.loadTransferPolicy(signal),
    staleTime: Infinity,
  });
  if (error) return <Text c="red">{errorText(error).help}</Text>;
  if (!data) return null;
  const roles = data.roles.map(({ role, allowed }) => ({ id: role, name: strings.roles[role], allowed }));
  const applications = data.applications.map(({ id, name, atMost }) => ({ id, name, allowed: atMost }));
  return (
    <section aria-label={text.policy} data-testid="transfer-policy">
      <Text fw={600} mb={4}>
        {text.policy}
      </Text>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="xl" style={{ alignItems: 'start' }}>
        <Rules title={text.role} rows={roles} />
        <Rules title={text.application} rows={applications} />
      </SimpleGrid>
      <Text size="xs" c="dimmed" mt="xs">
        {text.most(data.mostBytes)}
      </Text>
    </section>
  );
}

function Rules({ title, rows }: { title: string; rows: readonly Row[] }): ReactNode {
  return (
    <Table verticalSpacing={4} fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{title}</Table.Th>
          <Table.Th>{text.copy}</Table.Th>
          <Table.Th>{text.paste}</Table.Th>
          <Table.Th>{text.files}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map(({ id, name, allowed }) => (
          <Table.Tr key={id} data-testid={`transfers-of-${id}`}>
            <Table.Td>{name}</Table.Td>
            <Table.Td>
              <Verdict isAllowed={allowed?.includes('copy')} />
            </Table.Td>
            <Table.Td>
              <Verdict isAllowed={allowed?.includes('paste')} />
            </Table.Td>
            <Table.Td>
              <Verdict isAllowed={false} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** Undefined: what the role may. */
function Verdict({ isAllowed }: { isAllowed: boolean | undefined }): ReactNode {
  if (isAllowed === undefined)
    return (
      <Text size="xs" c="dimmed">
        {text.byRole}
      </Text>
    );
  return (
    <Badge size="sm" radius="sm" variant="light" color={isAllowed ? 'teal' : 'gray'} miw="max-content">
      {isAllowed ? text.allowed : text.denied}
    </Badge>
  );
}
