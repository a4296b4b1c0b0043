import { Button, Group, Modal, Stack, Table, Text, TextInput } from '@mantine/core';
import type { DueStudies, HeldStudies, NodeId } from '@medusa/protocol';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { useServices } from '../../ui/services.tsx';
import { formatInstant } from './format-instant.ts';
import { FaultNotice } from './provision/fault-notice.tsx';
import { FailureNotice } from './provision/loaded.tsx';
import { RowButton } from './provision/resource-table.tsx';

const text = strings.retention;
const refreshMs = 10_000;
/** A study that is to be held, empty: of the user's choice; or whose hold is to end. */
type Wish = { readonly kind: 'hold' | 'unhold'; readonly study: string };

/** What is kept whatever the rules say, and what the rules are about to remove. */
export function RetentionList({ nodeId }: { nodeId: NodeId }): ReactNode {
  const { api } = useServices();
  const [wish, setWish] = useState<Wish | null>(null);
  const held = useQuery({
    queryKey: ['retention', nodeId, 'held'],
    queryFn: async ({ signal }) => api.retention.held(nodeId, signal),
    refetchInterval: refreshMs,
  });
  const due = useQuery({
    queryKey: ['retention', nodeId, 'due'],
    queryFn: async ({ signal }) => api.retention.due(nodeId, signal),
    refetchInterval: refreshMs,
  });
  const error = held.error ?? due.error;
  return (
    <Stack gap={4} pb="sm" data-testid="retention">
      <Group gap="sm">
        <Text size="xs" c="dimmed">
          {text.title}
        </Text>
        <RowButton
          label={text.hold}
          act={() => setWish({ kind: 'hold', study: '' })}
          testId="retention-hold"
        />
      </Group>
      {error && <FailureNotice error={error} title={text.failed} />}
      {held.data && <Held held={held.data} end={(study) => setWish({ kind: 'unhold', study })} />}
      {due.data && <Due due={due.data} />}
      {wish && <RulingForm wish={wish} close={() => setWish(null)} />}
    </Stack>
  );
}

function Held({ held, end }: { held: HeldStudies; end: (study: string) => void }): ReactNode {
  const { studies, total } = held;
  if (studies.length === 0) return <Dimmed text={text.none} />;
  return (
    <>
      <Table verticalSpacing={4} fz="sm" aria-label={text.title}>
        <Head columns={[text.study, text.since, text.by, text.reason, '']} />
        <Table.Tbody>
          {studies.map(({ studyInstanceUID, at, by, reason }) => (
            <Table.Tr key={studyInstanceUID} data-testid="retention-row">
              <Table.Td className="admin-object">{studyInstanceUID}</Table.Td>
              <Table.Td className="admin-instant medusa-numeric">{formatInstant(at)}</Table.Td>
              <Table.Td>{by}</Table.Td>
              <Table.Td>{reason}</Table.Td>
              <Table.Td>
                <RowButton label={text.end} act={() => end(studyInstanceUID)} testId="retention-end" />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {studies.length < total && <Dimmed text={text.shown(studies.length, total)} />}
    </>
  );
}

function Due({ due }: { due: DueStudies }): ReactNode {
  const { studies, total } = due;
  return (
    <>
      <Text size="xs" c="dimmed" pt={4}>
        {text.due}
      </Text>
      {studies.length === 0 ? (
        <Dimmed text={text.noneDue} />
      ) : (
        <Table verticalSpacing={4} fz="sm" aria-label={text.due}>
          <Head columns={[text.study, text.dueSince, text.rule, '']} />
          <Table.Tbody>
            {studies.map(({ studyInstanceUID, dueAt, rule, isHeld }) => (
              <Table.Tr key={studyInstanceUID} data-testid="retention-due">
                <Table.Td className="admin-object">{studyInstanceUID}</Table.Td>
                <Table.Td className="admin-instant medusa-numeric">{formatInstant(dueAt)}</Table.Td>
                <Table.Td>{rule}</Table.Td>
                <Table.Td>{isHeld ? text.held : ''}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {studies.length < total && <Dimmed text={text.shown(studies.length, total)} />}
    </>
  );
}

function RulingForm({ wish, close }: { wish: Wish; close: () => void }): ReactNode {
  const { api } = useServices();
  const queries = useQueryClient();
  const [study, setStudy] = useState(wish.study);
  const [reason, setReason] = useState('');
  const ruling = useMutation({
    mutationFn: async () => api.retention[wish.kind](study.trim(), reason),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['retention'] });
      close();
    },
  });
  const isHold = wish.kind === 'hold';
  return (
    <Modal
      opened
      onClose={close}
      title={isHold ? text.hold : text.endTitle}
      closeButtonProps={{ 'aria-label': strings.common.close }}
    >
      <form
        data-testid="retention-form"
        onSubmit={(event) => {
          event.preventDefault();
          ruling.mutate();
        }}
      >
        <Stack gap="md">
          {isHold && <Text size="sm">{text.holdHelp}</Text>}
          <TextInput
            label={text.study}
            value={study}
            readOnly={!isHold}
            required
            onChange={(event) => setStudy(event.currentTarget.value)}
            data-testid="retention-study"
            data-autofocus={isHold || undefined}
          />
          <TextInput
            label={text.reason}
            value={reason}
            required
            onChange={(event) => setReason(event.currentTarget.value)}
            data-testid="retention-reason"
            data-autofocus={!isHold || undefined}
          />
          <FaultNotice error={ruling.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {strings.common.cancel}
            </Button>
            <Button type="submit" loading={ruling.isPending} data-testid="retention-confirm">
              {isHold ? text.hold : text.end}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Head({ columns }: { columns: readonly string[] }): ReactNode {
  return (
    <Table.Thead>
      <Table.Tr>
        {columns.map((column) => (
          <Table.Th key={column} aria-label={column === '' ? strings.admin.details : undefined}>
            {column}
          </Table.Th>
        ))}
      </Table.Tr>
    </Table.Thead>
  );
}

function Dimmed({ text: shown }: { text: string }): ReactNode {
  return (
    <Text size="sm" c="dimmed">
      {shown}
    </Text>
  );
}
