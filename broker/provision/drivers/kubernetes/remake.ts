import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import { ProviderError, type Operation } from '../../port/index.ts';
import { parsed, toModel, type Plain } from './client.ts';
import { giveEnvironment, podCalls, type Machines, type PodCalls } from './machines.ts';
import { readOurs } from './objects.ts';
import { secretOf, type Pod } from './pod.ts';
import { secretNameOf } from './pod-manifest.ts';

type PlainPod = Plain<V1Pod>;

const secretDataSchema = z.object({ data: z.record(z.string(), z.string()).default({}) });

/** Deletes a pod and makes it again, changed, under its name, with its tag and environment. */
export async function remake(
  context: Machines,
  { machineRef, change }: { machineRef: string; readonly change: (pod: PlainPod) => PlainPod },
  operation: Operation,
): Promise<void> {
  const { cluster, settings } = context;
  const { namespace } = settings;
  const { signal } = operation;
  if (!settings.recreateToAttach)
    throw new ProviderError(
      'invalid',
      'The volumes of a pod are fixed when it is made; with recreateToAttach it is made again for that',
    );
  const calls = podCalls(context);
  const core = cluster.core(signal);
  const there = await readOurs(calls, machineRef, signal);
  if (!there || there.metadata.deletionTimestamp)
    throw new ProviderError('not-found', `No machine ${machineRef}`);
  const whole = await core.readNamespacedPod({ name: machineRef, namespace });
  const secret = parsed(
    secretDataSchema,
    await core.readNamespacedSecret({ name: secretOf(there), namespace }),
  );
  const environment = Object.fromEntries(
    Object.entries(secret.data).map(([name, value]) => [name, Buffer.from(value, 'base64').toString('utf8')]),
  );
  const body = change(asRequested(whole, secretNameOf(machineRef, operation)));
  await calls.delete(machineRef, there.metadata.uid, signal);
  try {
    await untilGone(calls, there, signal);
    const pod = await calls.create(toModel<V1Pod>(body), signal);
    await giveEnvironment(context, { pod, environment }, signal);
  } catch (error) {
    // The old machine is gone: whatever kept the new one away, only looking tells what is there.
    throw new ProviderError('unknown-outcome', `${machineRef} is not made again yet`, { cause: error });
  }
}

/** What we asked for when the pod was made, without what the cluster added to it. */
function asRequested({ metadata, spec }: PlainPod, secretName: string): PlainPod {
  const wanted = { ...spec, containers: spec?.containers ?? [] };
  delete wanted.nodeName;
  delete wanted.serviceAccount;
  delete wanted.serviceAccountName;
  return {
    metadata: {
      name: metadata?.name ?? '',
      labels: metadata?.labels ?? {},
      annotations: metadata?.annotations ?? {},
    },
    spec: {
      ...wanted,
      containers: wanted.containers.map((container) => ({
        ...container,
        envFrom: [{ secretRef: { name: secretName } }],
      })),
    },
  };
}

const volumeNameOf = (claimName: string): string =>
  `claim-${createHash('sha256').update(claimName).digest('hex').slice(0, 12)}`;

export function withClaim(pod: PlainPod, claimName: string, folder: string): PlainPod {
  const name = volumeNameOf(claimName);
  const { spec } = pod;
  return {
    ...pod,
    spec: {
      ...spec,
      volumes: [...(spec?.volumes ?? []), { name, persistentVolumeClaim: { claimName } }],
      containers: (spec?.containers ?? []).map((container) => ({
        ...container,
        volumeMounts: [...(container.volumeMounts ?? []), { name, mountPath: `${folder}/${claimName}` }],
      })),
    },
  };
}

export function withoutClaim(pod: PlainPod, claimName: string): PlainPod {
  const name = volumeNameOf(claimName);
  const { spec } = pod;
  return {
    ...pod,
    spec: {
      ...spec,
      volumes: (spec?.volumes ?? []).filter((volume) => volume.name !== name),
      containers: (spec?.containers ?? []).map((container) => ({
        ...container,
        volumeMounts: (container.volumeMounts ?? []).filter((mount) => mount.name !== name),
      })),
    },
  };
}

/** A name is free again when the pod is gone, which takes as long as its programs take to end. */
async function untilGone(calls: PodCalls, { metadata }: Pod, signal: AbortSignal): Promise<void> {
  for (;;) {
    const there = await readOurs(calls, metadata.name, signal);
    if (there?.metadata.uid !== metadata.uid) return;
    await setTimeout(250, undefined, { signal });
  }
}
