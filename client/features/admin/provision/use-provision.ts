import type {
  PoolView,
  ProviderId,
  ProviderView,
  ProvisionChange,
  ProvisionEvent,
  ResourceId,
  ResourceView,
  ServiceView,
} from '@medusa/protocol';
import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import type { EventQuery, ResourceFilter } from '../../../core/provision-api.ts';
import { reportFault } from '../../../core/report.ts';
import { useServices } from '../../../ui/services.tsx';
import { mergeEvents } from './merge-events.ts';

/** What is asked anew whenever something moves lies under `live`; the log grows by what the news carry. */
const liveKey = ['provision', 'live'] as const;
const eventsKey = ['provision', 'events'] as const;
const mostRestMs = 3_000;

export function useProviders(): UseQueryResult<readonly ProviderView[]> {
  const { api } = useServices();
  return useQuery({
    queryKey: [...liveKey, 'providers'],
    queryFn: async ({ signal }) => api.provision.providers(signal),
  });
}

export function usePools(): UseQueryResult<readonly PoolView[]> {
  const { api } = useServices();
  return useQuery({
    queryKey: [...liveKey, 'pools'],
    queryFn: async ({ signal }) => api.provision.pools(signal),
  });
}

export function useResources(filter: ResourceFilter): UseQueryResult<readonly ResourceView[]> {
  const { api } = useServices();
  return useQuery({
    queryKey: [...liveKey, 'resources', filter],
    queryFn: async ({ signal }) => api.provision.resources(filter, signal),
  });
}

export function useResource(id: ResourceId): UseQueryResult<ResourceView> {
  const { api } = useServices();
  return useQuery({
    queryKey: [...liveKey, 'resource', id],
    queryFn: async ({ signal }) => api.provision.resource(id, signal),
  });
}

const busyMs = 2_000;
const quietMs = 15_000;
const busy: readonly ServiceView['state']['kind'][] = ['idle', 'working', 'releasing'];

/** Also asked by the clock: a broker goes on with a service a while after the news of its parts. */
export function useRunningServices(): UseQueryResult<readonly ServiceView[]> {
  const { api } = useServices();
  return useQuery({
    queryKey: [...liveKey, 'services'],
    queryFn: async ({ signal }) => api.services.list(signal),
    refetchInterval: ({ state }) =>
      state.data?.some((service) => busy.includes(service.state.kind)) === true ? busyMs : quietMs,
  });
}

export function useEvents(query: EventQuery): UseQueryResult<readonly ProvisionEvent[]> {
  const { api } = useServices();
  return useQuery({
    queryKey: [...eventsKey, query],
    queryFn: async ({ signal }) => api.provision.events(query, signal),
  });
}

/** What a provider offers changes seldom, and asking takes it a while. */
export function useCatalog(
  id: ProviderId | undefined,
): UseQueryResult<Awaited<ReturnType<ReturnType<typeof useServices>['api']['provision']['catalog']>>> {
  const { api } = useServices();
  return useQuery({
    queryKey: ['provision', 'catalog', id],
    queryFn: async ({ signal }) => {
      if (id === undefined) throw new Error('No provider is chosen');
      return api.provision.catalog(id, signal);
    },
    enabled: id !== undefined,
    staleTime: 60_000,
  });
}

/** Asks anew for everything that is on screen. */
export function useRefresh(): () => void {
  const queries = useQueryClient();
  return useCallback(() => {
    queries.invalidateQueries({ queryKey: liveKey }).catch(reportFault);
  }, [queries]);
}

/** Keeps what is on screen true while it is on screen. */
export function useProvisionNews(): void {
  const { realtime } = useServices();
  const queries = useQueryClient();
  useEffect(() => {
    let isAsking = false;
    let isMore = false;
    let isGone = false;
    /**
     * One round after another: a slow network must not have each round cut off by the next.
     * Between two rounds there is a rest three times as long, so that a thousand nodes leave the page time for its reader.
     */
    const refresh = async (): Promise<void> => {
      isMore = true;
      if (isAsking) return;
      isAsking = true;
      while (isMore && !isGone) {
        isMore = false;
        const startedAt = performance.now();
        await queries.invalidateQueries({ queryKey: liveKey });
        const restMs = Math.min(mostRestMs, (performance.now() - startedAt) * 3);
        await new Promise((resolve) => setTimeout(resolve, restMs));
      }
      isAsking = false;
    };
    const take = ({ events, missed }: ProvisionChange): void => {
      refresh().catch(reportFault);
      if (missed > 0) queries.invalidateQueries({ queryKey: eventsKey }).catch(reportFault);
      for (const { queryKey } of queries.getQueryCache().findAll({ queryKey: eventsKey }))
        queries.setQueryData<readonly ProvisionEvent[]>(
          queryKey,
          (known) => known && mergeEvents(known, events, queryKey[eventsKey.length] as EventQuery),
        );
    };
    const changes = realtime.on('provision.changed', take);
    const online = realtime.whenOnline(() => {
      queries.invalidateQueries({ queryKey: ['provision'] }).catch(reportFault);
    });
    return () => {
      isGone = true;
      changes[Symbol.dispose]();
      online[Symbol.dispose]();
    };
  }, [queries, realtime]);
}
