import { Alert, Button, Group, List, NumberInput, Paper, Stack, Text, TextInput } from '@mantine/core';
import { AppError, problems, type Reservation } from '@medusa/protocol';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { errorText } from '../../ui/error-text.ts';
import { useServices } from '../../ui/services.tsx';
import { overlapping, proposedTimes, spanOf, timesText } from './week.ts';

const text = strings.reservations;

/** Asks for slots: from when, until when, how many, what for; and says what is in the way. */
export function ReserveForm({ known }: { known: readonly Reservation[] }): ReactNode {
  const { api } = useServices();
  const queries = useQueryClient();
  const [times, setTimes] = useState(() => proposedTimes(new Date()));
  const [slots, setSlots] = useState<number | string>(1);
  const [note, setNote] = useState('');
  const span = spanOf(times.from, times.until);
  const reserving = useMutation({
    mutationFn: api.reservations.reserve.bind(api.reservations),
    onSuccess: async () => {
      setNote('');
      await queries.invalidateQueries({ queryKey: ['reservations'] });
    },
  });
  const isOrdered = span !== undefined && span.endsAt > span.startsAt;
  const change = (part: Partial<typeof times>): void => {
    reserving.reset();
    setTimes({ ...times, ...part });
  };
  return (
    <Paper component="section" bg="var(--medusa-surface)" withBorder p="md" aria-label={text.make}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (span) reserving.mutate({ ...span, slots: Number(slots), note: note.trim() });
        }}
        data-testid="reserve-form"
      >
        <Stack gap="sm">
          <Text fw={600}>{text.make}</Text>
          <Group align="flex-start" gap="sm">
            <TextInput
              type="datetime-local"
              label={text.from}
              required
              value={times.from}
              onChange={(event) => change({ from: event.currentTarget.value })}
              data-testid="reserve-from"
            />
            <TextInput
              type="datetime-local"
              label={text.until}
              required
              value={times.until}
              onChange={(event) => change({ until: event.currentTarget.value })}
              error={span !== undefined && !isOrdered && text.order}
              data-testid="reserve-until"
            />
            <NumberInput
              label={text.slots}
              required
              w={90}
              min={1}
              max={1_000}
              allowDecimal={false}
              value={slots}
              onChange={(next) => {
                reserving.reset();
                setSlots(next);
              }}
              data-testid="reserve-slots"
            />
            <TextInput
              label={text.note}
              placeholder={text.notePlaceholder}
              flex={1}
              miw={160}
              maxLength={200}
              value={note}
              onChange={(event) => setNote(event.currentTarget.value)}
              data-testid="reserve-note"
            />
            <Button
              type="submit"
              mt={24}
              loading={reserving.isPending}
              disabled={!isOrdered || typeof slots !== 'number'}
              data-testid="reserve"
            >
              {text.reserve}
            </Button>
          </Group>
          <div aria-live="polite">
            {reserving.isSuccess && (
              <Text size="sm" c="teal.4" data-testid="reserve-made">
                {text.made}: {timesText(reserving.data)}
              </Text>
            )}
            {span && isOrdered && !reserving.isSuccess && <Overlaps known={overlapping(span, known)} />}
          </div>
          {reserving.error && <Refused error={reserving.error} />}
        </Stack>
      </form>
    </Paper>
  );
}

function Overlaps({ known }: { known: readonly Reservation[] }): ReactNode {
  if (known.length === 0) return null;
  return (
    <div data-testid="reserve-overlaps">
      <Text size="xs" c="dimmed">
        {text.overlaps}
      </Text>
      <List size="xs" c="dimmed">
        {known.map((one) => (
          <List.Item key={one.id}>
            {text.overlap(one.ownerName, text.slotCount(one.slots), timesText(one))}
          </List.Item>
        ))}
      </List>
    </div>
  );
}

/** A conflict is nobody's fault: what helps is another time. */
function Refused({ error }: { error: unknown }): ReactNode {
  const { title, help } = refusalText(error);
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertTriangle />}
      title={title}
      role="alert"
      data-testid="reserve-refused"
    >
      {help}
    </Alert>
  );
}

function refusalText(error: unknown): { title: string; help: string } {
  if (!(error instanceof AppError)) return errorText(error);
  if (error.code === 'reservation.conflict')
    return { title: problems[error.code].title, help: `${error.message}. ${text.conflictHelp}` };
  return error.code === 'request.invalid' ? { title: text.invalid, help: error.message } : errorText(error);
}
