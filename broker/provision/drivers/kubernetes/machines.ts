import type { V1Pod, V1Secret } from '@kubernetes/client-node';
import { z } from 'zod';
import { isProviderFault, ProviderError, type Machine, type MachinePort } from '../../port/index.ts';
import { allPages, byUid, parsed, toModel, type Cluster } from './client.ts';
import { labelsOf, selectorOf, tagOf } from './labels.ts';
import { createOnce, deleteOurs, readOurs, type ObjectCalls } from './objects.ts';
import { machineOf, podSchema, secretOf, type Pod } from './pod.ts';
import { podOf } from './pod-manifest.ts';
import type { Settings } from './settings.ts';

export type Machines = { readonly cluster: Cluster; readonly settings: Settings; readonly now: () => Date };

/** Taking away what a failed call made has its own time, whatever became of the call's. */
const cleaningMs = 15_000;

/** A machine is a pod and the secret with its environment, which the cluster takes away together with the pod. */
export function machinePort(context: Machines): MachinePort {
  const { cluster, settings, now } = context;
  const { namespace } = settings;
  const calls = podCalls(context);
  const toMachine = (pod: Pod): Machine | undefined => machineOf(pod, settings, now());
  return {
    actions: [],
    async create(request, tag, name, operation) {
      operation.signal.throwIfAborted();
      const body = podOf(request, { tag, name, operation }, settings);
      const { object, isNew } = await createOnce(
        async () => calls.create(toModel<V1Pod>(body), operation.signal),
        calls,
        {
          tag,
          name,
          operation,
        },
      );
      try {
        const { environment } = request.guest;
        await giveEnvironment(context, { pod: object, environment }, operation.signal);
      } catch (error) {
        if (isNew) await deleteOurs(calls, name, AbortSignal.timeout(cleaningMs));
        throw error;
      }
      const machine = toMachine(object);
      if (!machine) throw new ProviderError('unknown-outcome', `${name} came back without its labels`);
      return machine;
    },
    async get(ref, signal) {
      const pod = await readOurs(calls, ref, signal);
      return pod && toMachine(pod);
    },
    async list(owner, signal) {
      const items = await allPages(async (page) =>
        cluster.core(signal).listNamespacedPod({ namespace, labelSelector: selectorOf(owner), ...page }),
      );
      return parsed(z.array(podSchema), items).flatMap((pod) => toMachine(pod) ?? []);
    },
    async destroy(ref, operation) {
      await deleteOurs(calls, ref, operation.signal);
    },
    async act(ref, action) {
      throw new ProviderError('invalid', `A pod cannot ${action}: it runs until it is deleted`);
    },
    async console(ref, signal) {
      const log = `/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(ref)}/log`;
      try {
        const text = await cluster.text(`${log}?container=machine&tailLines=1000`, signal);
        return {
          kind: 'text',
          text: Buffer.from(text)
            .subarray(-64 * 1_024)
            .toString('utf8'),
        };
      } catch (error) {
        // A container that has not begun has printed nothing.
        if (isProviderFault(error, 'invalid') && error.message.includes('waiting to start'))
          return { kind: 'text', text: '' };
        throw error;
      }
    },
  };
}

export type PodCalls = ObjectCalls<Pod> & {
  create(body: V1Pod, signal: AbortSignal): Promise<Pod>;
};

export function podCalls({ cluster, settings: { namespace } }: Machines): PodCalls {
  return {
    create: async (body, signal) =>
      parsed(podSchema, await cluster.core(signal).createNamespacedPod({ namespace, body })),
    read: async (name, signal) =>
      parsed(podSchema, await cluster.core(signal).readNamespacedPod({ name, namespace })),
    delete: async (name, uid, signal) =>
      cluster.core(signal).deleteNamespacedPod({ name, namespace, body: byUid(uid) }),
  };
}

/**
 * The pod is made first and waits for its secret: so the secret can name its owner from its first moment, and a crash between
 * the two leaves a pod that never starts, which is seen, rather than a secret that nobody takes away. The secret's name is the
 * pod's own, so one that is there already was made for it by an earlier try.
 */
export async function giveEnvironment(
  { cluster, settings: { namespace } }: Machines,
  { pod, environment }: { pod: Pod; environment: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<void> {
  const { name, uid } = pod.metadata;
  const tag = tagOf(pod.metadata.labels);
  const owner = { apiVersion: 'v1', kind: 'Pod', name, uid, controller: false, blockOwnerDeletion: false };
  const body = toModel<V1Secret>({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: secretOf(pod), ...(tag && { labels: labelsOf(tag) }), ownerReferences: [owner] },
    immutable: true,
    stringData: { ...environment },
  });
  try {
    await cluster.core(signal).createNamespacedSecret({ namespace, body });
  } catch (error) {
    if (!isProviderFault(error, 'conflict')) throw error;
  }
}
