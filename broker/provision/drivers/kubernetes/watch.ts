import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { isProviderFault } from '../../port/index.ts';
import { parsed, type Cluster } from './client.ts';
import { GoneError } from './faults.ts';
import { selectorOf } from './labels.ts';

const eventObjectSchema = z.object({
  metadata: z.object({ name: z.string().optional(), resourceVersion: z.string().optional() }).optional(),
  code: z.int().optional(),
});

type Watched = {
  readonly namespace: string;
  readonly owner: string;
  readonly onChange: (ref: string | null) => void;
};

const firstPauseMs = 500;
const longestPauseMs = 30_000;

/**
 * Follows the owner's pods (Kubernetes, "Efficient detection of changes"): from a list on, and over broken connections from the
 * last version seen. When the server does not know that one any more (410 Gone), it begins again with a list. Whenever it does,
 * anything may have changed before it, which is told as null after it. Ends with the signal, or rejects when the credentials are
 * refused.
 */
export async function watchPods(cluster: Cluster, watched: Watched, signal: AbortSignal): Promise<void> {
  let version: string | undefined;
  let pauseMs = firstPauseMs;
  for (;;) {
    try {
      if (version === undefined) {
        version = await listVersion(cluster, watched, signal);
        watched.onChange(null);
      }
      const seen = await follow(cluster, watched, { version, signal });
      if (seen !== version) pauseMs = firstPauseMs;
      version = seen;
    } catch (error) {
      if (!isOver(signal) && isProviderFault(error, 'auth')) throw error;
      if (error instanceof GoneError) version = undefined;
      await setTimeout(pauseMs, undefined, { signal }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
    if (isOver(signal)) return;
  }
}

const isOver = (signal: AbortSignal): boolean => signal.aborted;

async function listVersion(
  cluster: Cluster,
  { namespace, owner }: Watched,
  signal: AbortSignal,
): Promise<string> {
  const list = await cluster
    .core(signal)
    .listNamespacedPod({ namespace, labelSelector: selectorOf(owner), limit: 1 });
  return list.metadata?.resourceVersion ?? '0';
}

/** The last version seen. A watch that broke without an event has still told what it saw before. */
async function follow(
  cluster: Cluster,
  { namespace, owner, onChange }: Watched,
  { version, signal }: { version: string; signal: AbortSignal },
): Promise<string> {
  let seen = version;
  const gone: string[] = [];
  const query = { labelSelector: selectorOf(owner), resourceVersion: version };
  await cluster.watch(`/api/v1/namespaces/${namespace}/pods`, query, {
    signal,
    onEvent(type, object) {
      const { metadata, code } = parsed(eventObjectSchema, object);
      if (type === 'ERROR' && code === 410) gone.push(seen);
      if (type === 'ERROR') return;
      seen = metadata?.resourceVersion ?? seen;
      if (type !== 'BOOKMARK') onChange(metadata?.name ?? null);
    },
  });
  if (gone.length > 0) throw new GoneError(`The cluster does not know version ${seen} any more`);
  return seen;
}
