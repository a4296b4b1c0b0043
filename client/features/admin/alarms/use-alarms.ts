import type { AlarmList } from '@medusa/protocol';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useServices } from '../../../ui/services.tsx';

const refreshMs = 5_000;

export function useAlarms(): UseQueryResult<AlarmList> {
  const { api } = useServices();
  return useQuery({
    queryKey: ['alarms'],
    queryFn: async ({ signal }) => api.alarms.list(signal),
    refetchInterval: refreshMs,
  });
}
