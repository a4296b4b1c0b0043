import type { AdminSnapshot } from '@medusa/protocol';
import { useEffect, useState } from 'react';
import { useServices } from '../../ui/services.tsx';

/** One point of the charts. */
export type AdminSample = { readonly at: number; readonly load: number; readonly sessions: number };

const keptMs = 10 * 60 * 1_000;

type Admin = {
  readonly snapshot: AdminSnapshot | undefined;
  readonly error: unknown;
  /** Since the page was opened, at most the last ten minutes. */
  readonly samples: readonly AdminSample[];
};

/** Nodes and sessions, live. */
export function useAdmin(): Admin {
  const { realtime } = useServices();
  const [admin, setAdmin] = useState<Admin>({ snapshot: undefined, error: null, samples: [] });
  useEffect(() => {
    const take = (snapshot: AdminSnapshot): void =>
      setAdmin(({ samples }) => ({
        snapshot,
        error: null,
        samples: [...samples.filter(({ at }) => at > Date.now() - keptMs), sampleOf(snapshot)],
      }));
    const changes = realtime.on('admin.changed', take);
    const online = realtime.whenOnline(() => {
      realtime.subscribeAdmin().then(take, (error: unknown) => setAdmin((known) => ({ ...known, error })));
    });
    return () => {
      changes[Symbol.dispose]();
      online[Symbol.dispose]();
    };
  }, [realtime]);
  return admin;
}

/** Load per processor over all render nodes that tell it, and the sessions they run. */
function sampleOf({ nodes }: AdminSnapshot): AdminSample {
  const ready = nodes.filter(({ kind, capabilities }) => kind === 'render' && capabilities !== null);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const cpus = sum(ready.map(({ capabilities }) => capabilities?.cpus ?? 0));
  return {
    at: Date.now(),
    load: cpus === 0 ? 0 : sum(ready.map(({ load1 }) => load1 ?? 0)) / cpus,
    sessions: sum(ready.map(({ sessions }) => sessions)),
  };
}
