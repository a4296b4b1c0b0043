import { Button, Group, Stack, Table, Text } from '@mantine/core';
import type { LedgerEntry } from '@medusa/protocol';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { formatInstant } from '../format-instant.ts';
import { FailureNotice, Loaded } from '../provision/loaded.tsx';
import { amountText, reversalsOf } from './standing.ts';
import { useOfAgreements } from './use-agreements.ts';

const text = strings.agreements;

/** What was booked, latest first, and whether nobody changed it. */
export function Ledger({ id }: { id: string }): ReactNode {
  const { api } = useServices();
  const entries = useOfAgreements(['ledger', id], async (signal) => api.agreements.ledger(id, signal));
  return (
    <Stack gap="sm">
      <Verification />
      <Loaded query={entries}>
        {(known) =>
          known.length === 0 ? <Text c="dimmed">{text.ledgerEmpty}</Text> : <LedgerTable entries={known} />
        }
      </Loaded>
    </Stack>
  );
}

function Verification(): ReactNode {
  const { api } = useServices();
  const verifying = useMutation({ mutationFn: async () => api.agreements.verifyLedger() });
  const { data } = verifying;
  return (
    <>
      <Group gap="sm">
        <Button
          size="xs"
          variant="default"
          loading={verifying.isPending}
          onClick={() => verifying.mutate()}
          data-testid="ledger-verify"
        >
          {text.verify}
        </Button>
        {data && (
          <Text
            size="sm"
            c={data.kind === 'intact' ? 'teal.4' : 'red.4'}
            role="status"
            data-testid="ledger-verdict"
            data-kind={data.kind}
          >
            {data.kind === 'intact'
              ? text.intact(data.lines ?? 0)
              : text.broken(data.sequence ?? 0, data.reason ?? '')}
          </Text>
        )}
      </Group>
      {verifying.error && <FailureNotice error={verifying.error} title={strings.provision.failed} />}
    </>
  );
}

export function LedgerTable({ entries }: { entries: readonly LedgerEntry[] }): ReactNode {
  const reversals = reversalsOf(entries);
  return (
    <Table fz="sm" verticalSpacing={4} aria-label={text.parts.ledger} data-testid="ledger-table">
      <Table.Thead>
        <Table.Tr>
          {Object.entries(text.ledger).map(([name, label]) => (
            <Table.Th key={name} {...(name === 'amount' ? { ta: 'right' } : {})}>
              {label}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody className="medusa-numeric">
        {entries.toReversed().map((entry) => (
          <Line key={entry.sequence} entry={entry} reversedBy={reversals.get(entry.sequence)} />
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Line({ entry, reversedBy }: { entry: LedgerEntry; reversedBy: number | undefined }): ReactNode {
  const { sequence, at, guarantee, purpose, kind, reverses, windowFrom, debtor, reason } = entry;
  const note =
    reverses !== null ? text.reversal(reverses) : reversedBy === undefined ? '' : text.reversedBy(reversedBy);
  return (
    <Table.Tr data-testid="ledger-line" data-purpose={purpose} data-kind={kind}>
      <Table.Td c="dimmed">{sequence}</Table.Td>
      <Table.Td className="admin-instant">{formatInstant(at)}</Table.Td>
      <Table.Td>{guarantee}</Table.Td>
      <Table.Td>
        {text.purposes[purpose]}{' '}
        <Text span size="xs" c="dimmed">
          {note}
        </Text>
      </Table.Td>
      <Table.Td className="admin-instant">{formatInstant(windowFrom)}</Table.Td>
      <Table.Td>{text.obligatedNames[debtor]}</Table.Td>
      <Table.Td ta="right" className={`admin-instant ${reversedBy === undefined ? '' : 'ledger-reversed'}`}>
        {amountText(entry)}
      </Table.Td>
      <Table.Td className="admin-object">{reason}</Table.Td>
    </Table.Tr>
  );
}
