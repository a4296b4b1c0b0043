import { Button, Group, Modal, Paper, Stack, Table, Text } from '@mantine/core';
import { uidSchema, type Reservation } from '@medusa/protocol';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { errorText } from '../../ui/error-text.ts';
import { useServices } from '../../ui/services.tsx';
import { useCanLaunch } from '../../ui/use-roles.ts';
import { inputValue, timesText } from './week.ts';

const text = strings.reservations;

/** Each reservation, the next one first, with a way to give up those that are theirs who look at it. */
export function ReservationTable(props: {
  readonly reservations: readonly Reservation[];
  readonly isTheirs: (reservation: Reservation) => boolean;
}): ReactNode {
  const { reservations, isTheirs } = props;
  const canLaunch = useCanLaunch();
  const [asked, setAsked] = useState<Reservation | null>(null);
  return (
    <Paper component="section" bg="var(--medusa-surface)" withBorder p="md" aria-label={text.list}>
      <Table fz="sm" verticalSpacing={4} aria-label={text.title} data-testid="reservations">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{text.from}</Table.Th>
            <Table.Th>{text.until}</Table.Th>
            <Table.Th>{text.slots}</Table.Th>
            <Table.Th>{text.what}</Table.Th>
            <Table.Th>{text.who}</Table.Th>
            <Table.Th>{text.invited}</Table.Th>
            <Table.Th aria-label={strings.provision.actions} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody className="medusa-numeric">
          {reservations.map((one) => (
            <Table.Tr key={one.id} data-testid="reservation" data-id={one.id}>
              <Table.Td>{inputValue(new Date(one.startsAt)).replace('T', ' ')}</Table.Td>
              <Table.Td>{inputValue(new Date(one.endsAt)).replace('T', ' ')}</Table.Td>
              <Table.Td>{one.slots}</Table.Td>
              <Table.Td className="reservation-what">
                {one.title}
                {one.note !== '' && (
                  <Text size="xs" c="dimmed">
                    {one.note}
                  </Text>
                )}
                {one.studyInstanceUID !== null && canLaunch && (
                  <div>
                    <OpenStudy study={one.studyInstanceUID} />
                  </div>
                )}
              </Table.Td>
              <Table.Td>{one.ownerName}</Table.Td>
              <Table.Td c="dimmed">{one.invited.join(', ')}</Table.Td>
              <Table.Td ta="right">
                {isTheirs(one) && (
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={text.cancelNamed(one.ownerName, timesText(one))}
                    onClick={() => setAsked(one)}
                    data-testid="reservation-cancel"
                  >
                    {text.cancel}
                  </Button>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {asked && <Cancel reservation={asked} close={() => setAsked(null)} />}
    </Paper>
  );
}

function OpenStudy({ study }: { study: string }): ReactNode {
  return (
    <Link
      to="/open"
      search={{ study: uidSchema.parse(study), application: 'workstation', mode: 'streamed' }}
      className="reservation-study"
    >
      {text.openStudy}
    </Link>
  );
}

function Cancel({ reservation, close }: { reservation: Reservation; close: () => void }): ReactNode {
  const { api } = useServices();
  const queries = useQueryClient();
  const cancelling = useMutation({
    mutationFn: async () => api.reservations.cancel(reservation.id),
    onSuccess: async () => {
      close();
      await queries.invalidateQueries({ queryKey: ['reservations'] });
    },
  });
  return (
    <Modal
      opened
      onClose={close}
      title={text.cancelTitle}
      closeButtonProps={{ 'aria-label': strings.common.close }}
    >
      <Stack gap="md" data-testid="cancel-dialog">
        <Text size="sm" className="medusa-numeric">
          {text.overlap(reservation.ownerName, text.slotCount(reservation.slots), timesText(reservation))}
        </Text>
        <Text size="sm" c="dimmed">
          {text.cancelHelp}
        </Text>
        {cancelling.error && (
          <Text size="sm" c="red.4" role="alert">
            {errorText(cancelling.error).help}
          </Text>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={close} data-autofocus>
            {text.keep}
          </Button>
          <Button
            color="red"
            loading={cancelling.isPending}
            onClick={() => cancelling.mutate()}
            data-testid="cancel-confirm"
          >
            {text.cancel}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
