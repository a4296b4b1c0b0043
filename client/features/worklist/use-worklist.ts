import type { StudySummary } from '@medusa/protocol';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { reportFault } from '../../core/report.ts';
import { useServices } from '../../ui/services.tsx';
import { mergeStudies } from './filter-studies.ts';

const worklistKey = ['worklist'];
const highlightMs = 4_000;

export type Worklist = {
  readonly studies: ReadonlyMap<string, StudySummary> | undefined;
  readonly error: unknown;
  /** Studies that appeared while the page was open, for a moment. */
  readonly arrivals: ReadonlySet<string>;
  readonly reload: () => void;
};

/** The live worklist: asked once per connection, then kept up to date by what the broker tells. */
export function useWorklist(): Worklist {
  const { realtime } = useServices();
  const client = useQueryClient();
  const [arrivals, setArrivals] = useState<ReadonlySet<string>>(new Set());
  const { data, error, refetch } = useQuery({
    queryKey: worklistKey,
    queryFn: async () => mergeStudies(new Map(), await realtime.subscribeWorklist()),
    staleTime: Infinity,
    enabled: false,
  });

  useEffect(() => {
    const timers = new Set<ReturnType<typeof setTimeout>>();
    const highlight = (uids: readonly string[]): void => {
      if (uids.length === 0) return;
      setArrivals((known) => new Set([...known, ...uids]));
      timers.add(
        setTimeout(
          () => setArrivals((known) => new Set([...known].filter((uid) => !uids.includes(uid)))),
          highlightMs,
        ),
      );
    };
    const changes = realtime.on('study.changed', (changed) => {
      const known = client.getQueryData<ReadonlyMap<string, StudySummary>>(worklistKey);
      if (!known) return;
      highlight(changed.map(({ studyInstanceUID }) => studyInstanceUID).filter((uid) => !known.has(uid)));
      client.setQueryData(worklistKey, mergeStudies(known, changed));
    });
    const online = realtime.whenOnline(() => {
      refetch().catch(reportFault);
    });
    return () => {
      changes[Symbol.dispose]();
      online[Symbol.dispose]();
      for (const timer of timers) clearTimeout(timer);
    };
  }, [realtime, client, refetch]);

  return { studies: data, error, arrivals, reload: () => void refetch() };
}
