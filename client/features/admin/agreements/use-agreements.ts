import type { AgreementStanding, AgreementView } from '@medusa/protocol';
import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { reportFault } from '../../../core/report.ts';
import { useServices } from '../../../ui/services.tsx';

/** Below it is all that changes when an agreement does. */
const agreementsKey = ['agreements'] as const;
/** Agreements are evaluated once a minute; who waits for it sees it soon. */
const everyMs = 5_000;

export function useAgreements(): UseQueryResult<readonly AgreementView[]> {
  const { api } = useServices();
  return useQuery({
    queryKey: [...agreementsKey, 'list'],
    queryFn: async ({ signal }) => api.agreements.list(signal),
    refetchInterval: everyMs,
  });
}

export function useStanding(id: string): UseQueryResult<AgreementStanding> {
  const { api } = useServices();
  return useQuery({
    queryKey: [...agreementsKey, 'standing', id],
    queryFn: async ({ signal }) => api.agreements.standing(id, signal),
    refetchInterval: everyMs,
  });
}

/** What one asks of agreements, asked again while it is on screen. */
export function useOfAgreements<Value>(
  key: readonly string[],
  ask: (signal: AbortSignal) => Promise<Value>,
): UseQueryResult<Value> {
  return useQuery({
    queryKey: [...agreementsKey, ...key],
    queryFn: async ({ signal }) => ask(signal),
    refetchInterval: everyMs,
  });
}

export function useAgreementsRefresh(): () => void {
  const queries = useQueryClient();
  return () => {
    queries.invalidateQueries({ queryKey: agreementsKey }).catch(reportFault);
  };
}
