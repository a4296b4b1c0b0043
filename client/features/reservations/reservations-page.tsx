import { Alert, Skeleton, Stack, Text, Title } from '@mantine/core';
import type { Reservation } from '@medusa/protocol';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { errorText } from '../../ui/error-text.ts';
import { Page } from '../../ui/page.tsx';
import { useServices } from '../../ui/services.tsx';
import { useCanLaunch, useRoles } from '../../ui/use-roles.ts';
import { useStore } from '../../ui/use-store.ts';
import { ReservationTable } from './reservation-table.tsx';
import { ReserveForm } from './reserve-form.tsx';
import { WeekCalendar } from './week-calendar.tsx';

const text = strings.reservations;
type Reader = 'admin' | 'owner' | 'guest';
const leads: Readonly<Record<Reader, string>> = {
  admin: text.all,
  owner: text.mine,
  guest: text.invitedOnly,
};
const nothing: Readonly<Record<Reader, string>> = {
  ...{ admin: text.noneAll, owner: text.noneMine, guest: text.noneInvited },
};
const refetchMs = 15_000;
const minuteMs = 60_000;

/** Slots kept in advance: one's own and those one is invited to; for an administrator everybody's. */
export function ReservationsPage(): ReactNode {
  const { api, login } = useServices();
  const { userId } = useStore(login.state);
  const isAdmin = useRoles().includes('admin');
  const canReserve = useCanLaunch();
  const reader = isAdmin ? 'admin' : canReserve ? 'owner' : 'guest';
  const now = useMinute();
  const { data, error, isPending } = useQuery({
    queryKey: ['reservations'],
    queryFn: async ({ signal }) => api.reservations.list(signal),
    refetchInterval: refetchMs,
  });
  return (
    <Page>
      <Stack gap="md">
        <div>
          <Title order={1} size="h2" fw={600}>
            {text.title}
          </Title>
          <Text size="sm" c="dimmed">
            {leads[reader]}
          </Text>
        </div>
        {error && (
          <Alert color="red" variant="light" icon={<IconAlertTriangle />} title={text.failed} role="alert">
            {errorText(error).help}
          </Alert>
        )}
        {isPending && <Skeleton h={200} role="status" aria-label={strings.common.loading} />}
        {canReserve && data && <ReserveForm known={data} />}
        {data && <WeekCalendar reservations={data} mine={userId} now={now} />}
        {data && <Listed reservations={data} reader={reader} userId={userId} />}
      </Stack>
    </Page>
  );
}

type ListedProps = { reservations: readonly Reservation[]; reader: Reader; userId: string };

function Listed({ reservations, reader, userId }: ListedProps): ReactNode {
  if (reservations.length > 0)
    return (
      <ReservationTable
        reservations={reservations}
        isTheirs={({ ownerId }) => reader === 'admin' || ownerId === userId}
      />
    );
  return (
    <div data-testid="reservations-empty">
      <Text>{nothing[reader]}</Text>
      <Text size="sm" c="dimmed">
        {text.noneHelp}
      </Text>
    </div>
  );
}

/** The time, told again every minute. */
function useMinute(): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), minuteMs);
    return () => clearInterval(timer);
  }, []);
  return now;
}
