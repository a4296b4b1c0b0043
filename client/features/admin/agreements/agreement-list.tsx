import { Button, Group, Skeleton, Table, Text } from '@mantine/core';
import type { AgreementView } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { formatInstant } from '../format-instant.ts';
import { customerOf, stateOf, worstOf } from './standing.ts';
import { AgreementBadge, GuaranteeBadge } from './state-badges.tsx';
import { useStanding } from './use-agreements.ts';

const text = strings.agreements;

type Props = { readonly agreements: readonly AgreementView[]; readonly open: (id: string) => void };

/** All agreements, latest first. */
export function AgreementList({ agreements, open }: Props): ReactNode {
  if (agreements.length === 0) return <Text c="dimmed">{text.none}</Text>;
  return (
    <Table fz="sm" verticalSpacing="xs" aria-label={text.views.agreements} data-testid="agreement-list">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{text.agreement}</Table.Th>
          <Table.Th>{text.customer}</Table.Th>
          <Table.Th>{text.state}</Table.Th>
          <Table.Th>{text.worst}</Table.Th>
          <Table.Th ta="right">{text.budgetLeft}</Table.Th>
          <Table.Th>{text.created}</Table.Th>
          <Table.Th />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody className="medusa-numeric">
        {agreements.map((agreement) => (
          <Row key={agreement.id} agreement={agreement} open={open} />
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Row({ agreement, open }: { agreement: AgreementView; open: Props['open'] }): ReactNode {
  const { id, document, createdAt } = agreement;
  return (
    <Table.Tr data-testid="agreement-row" data-id={id}>
      <Table.Td fw={600}>{id}</Table.Td>
      <Table.Td>{customerOf(document)}</Table.Td>
      <Table.Td>
        <AgreementBadge agreement={agreement} />
      </Table.Td>
      <Worst id={id} />
      <Table.Td className="admin-instant">{formatInstant(createdAt)}</Table.Td>
      <Table.Td ta="right">
        <Button
          size="compact-sm"
          variant="default"
          aria-label={text.openNamed(id)}
          onClick={() => open(id)}
          data-testid="agreement-open"
        >
          {text.open}
        </Button>
      </Table.Td>
    </Table.Tr>
  );
}

function Worst({ id }: { id: string }): ReactNode {
  const { data } = useStanding(id);
  if (!data)
    return (
      <Table.Td colSpan={2}>
        <Skeleton h={18} />
      </Table.Td>
    );
  const { worst, budgetLeft } = worstOf(data.guarantees);
  return (
    <>
      <Table.Td>
        {worst && (
          <Group gap="xs" wrap="nowrap">
            <GuaranteeBadge state={stateOf(worst)} />
            {worst.name}
          </Group>
        )}
      </Table.Td>
      <Table.Td ta="right" {...(budgetLeft !== null && budgetLeft < 0 ? { c: 'red.4' } : {})}>
        {budgetLeft === null ? '–' : strings.capacity.percent(budgetLeft)}
      </Table.Td>
    </>
  );
}
