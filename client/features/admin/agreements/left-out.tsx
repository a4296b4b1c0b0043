import { Text } from '@mantine/core';
import type { WindowEvents } from '@medusa/protocol';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';

const text = strings.agreements;

/** A window by its guarantee and its end; what is told late makes another revision of it. */
export type AssessedWindow = {
  readonly guarantee: string;
  readonly windowTo: string;
  readonly revision?: number;
};

/** From the figures of a window down to what was measured. */
export function useWindowEvents(id: string, window: AssessedWindow): UseQueryResult<WindowEvents> {
  const { api } = useServices();
  return useQuery({
    queryKey: ['agreement-events', id, window],
    queryFn: async ({ signal }) => api.agreements.events(id, window, signal),
  });
}

/** Of a window that is shown by its figures alone. */
export function LeftOutOf({ id, window }: { id: string; window: AssessedWindow }): ReactNode {
  const { data } = useWindowEvents(id, window);
  return data ? <LeftOut leftOut={data.leftOut} /> : null;
}

/** What was measured then and does not count, and why. */
export function LeftOut({ leftOut }: Pick<WindowEvents, 'leftOut'>): ReactNode {
  if (leftOut.length === 0) return null;
  return (
    <Text size="sm" data-testid="window-left-out">
      {text.leftOut}{' '}
      {leftOut.map(({ reason, events }) => text.leftOutReasons[reason](text.eventCount(events))).join('; ')}
    </Text>
  );
}
