import { Alert, Button, Group, List, Paper, Stack, Text } from '@mantine/core';
import { AppError, problems, type Reservation } from '@medusa/protocol';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { errorText } from '../../ui/error-text.ts';
import { useServices } from '../../ui/services.tsx';
import { EntryFields, SlotFields, type ReserveDraft } from './reserve-fields.tsx';
import { overlapping, proposedTimes, spanOf, timesText } from './week.ts';

const text = strings.reservations;
const noEntry = { title: '', study: null, invited: [], note: '' };

/** Asks for slots: from when until when, how many, what for and with whom; and says what is in the way. */
export function ReserveForm({ known }: { known: readonly Reservation[] }): ReactNode {
  const { api } = useServices();
  const queries = useQueryClient();
  const [draft, setDraft] = useState<ReserveDraft>(() => ({
    ...{ ...proposedTimes(new Date()), slots: 1, ...noEntry },
  }));
  const span = spanOf(draft.from, draft.until);
  const isOrdered = span !== undefined && span.endsAt > span.startsAt;
  const reserving = useMutation({
    mutationFn: api.reservations.reserve.bind(api.reservations),
    onSuccess: async () => {
      setDraft((made) => ({ ...made, ...noEntry }));
      await queries.invalidateQueries({ queryKey: ['reservations'] });
    },
  });
  const change = (part: Partial<ReserveDraft>): void => {
    reserving.reset();
    setDraft((before) => ({ ...before, ...part }));
  };
  const reserve = (): void => {
    if (!span) return;
    const { slots, title, study, invited, note } = draft;
    reserving.mutate({
      ...{ ...span, slots: Number(slots), title: title.trim(), note: note.trim() },
      ...{ studyInstanceUID: study, invited: [...invited] },
    });
  };
  return (
    <Paper component="section" bg="var(--medusa-surface)" withBorder p="md" aria-label={text.make}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          reserve();
        }}
        data-testid="reserve-form"
      >
        <Stack gap="sm">
          <Text fw={600}>{text.make}</Text>
          <SlotFields draft={draft} change={change} isOrdered={isOrdered || span === undefined} />
          <Group align="flex-start" gap="sm">
            <EntryFields draft={draft} change={change} />
            <Button
              type="submit"
              mt={24}
              loading={reserving.isPending}
              disabled={!isOrdered || typeof draft.slots !== 'number'}
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
