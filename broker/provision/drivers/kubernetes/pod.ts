import { z } from 'zod';
import type { ItemState, Machine } from '../../port/index.ts';
import { metadataSchema } from './labels.ts';
import { itemOf } from './objects.ts';
import { sizeAnnotation, zoneAnnotation } from './pod-manifest.ts';
import type { Settings } from './settings.ts';

const waitingSchema = z.object({ reason: z.string().nullish(), message: z.string().nullish() });
const endedSchema = z.object({
  exitCode: z.number(),
  reason: z.string().nullish(),
  message: z.string().nullish(),
});

/** core/v1 Pod, as far as we read it. */
export const podSchema = z.object({
  metadata: metadataSchema.extend({ annotations: z.record(z.string(), z.string()).default({}) }),
  spec: z.object({
    nodeName: z.string().nullish(),
    hostNetwork: z.boolean().nullish(),
    containers: z
      .array(
        z.object({
          image: z.string().nullish(),
          envFrom: z.array(z.object({ secretRef: z.object({ name: z.string() }).nullish() })).nullish(),
        }),
      )
      .min(1),
    volumes: z
      .array(
        z.object({
          name: z.string(),
          persistentVolumeClaim: z.object({ claimName: z.string() }).nullish(),
        }),
      )
      .nullish(),
  }),
  status: z
    .object({
      phase: z.string().default('Unknown'),
      reason: z.string().nullish(),
      message: z.string().nullish(),
      podIP: z.string().nullish(),
      podIPs: z.array(z.object({ ip: z.string().nullish() })).nullish(),
      hostIP: z.string().nullish(),
      conditions: z
        .array(
          z.object({
            type: z.string(),
            status: z.string(),
            reason: z.string().nullish(),
            message: z.string().nullish(),
          }),
        )
        .nullish(),
      containerStatuses: z
        .array(
          z.object({
            state: z
              .object({ waiting: waitingSchema.nullish(), terminated: endedSchema.nullish() })
              .nullish(),
          }),
        )
        .nullish(),
    })
    .default({ phase: 'Unknown' }),
});
export type Pod = z.infer<typeof podSchema>;

export function secretOf(pod: Pod): string {
  return pod.spec.containers[0]?.envFrom?.[0]?.secretRef?.name ?? pod.metadata.name;
}

/** `now` decides when a machine that does not start counts as failed. undefined: it is none of ours. */
export function machineOf(pod: Pod, settings: Settings, now: Date): Machine | undefined {
  const { metadata, spec } = pod;
  const item = itemOf(pod, lifeOf(pod, settings, now));
  return (
    item && {
      ...item,
      addresses: addressesOf(pod),
      image: spec.containers[0]?.image ?? null,
      size: metadata.annotations[sizeAnnotation] ?? null,
      zone: metadata.annotations[zoneAnnotation] ?? null,
    }
  );
}

function addressesOf({ spec, status: { hostIP, podIP, podIPs } }: Pod): string[] {
  const ips = spec.hostNetwork ? [hostIP] : (podIPs?.map(({ ip }) => ip) ?? [podIP]);
  return ips.flatMap((ip) => (typeof ip === 'string' && ip !== '' ? [ip] : []));
}

type Life = { readonly state: ItemState; readonly detail: string };

function lifeOf(pod: Pod, { startWithinSeconds }: Settings, now: Date): Life {
  const { status, metadata } = pod;
  switch (status.phase) {
    case 'Running':
      return { state: 'running', detail: 'Running' };
    case 'Succeeded':
    case 'Failed':
      // It stays listed, and never runs again (restartPolicy Never): only taking it away helps.
      return { state: 'error', detail: howItEnded(pod) };
    case 'Pending': {
      const ageMs = now.getTime() - (metadata.creationTimestamp ?? now).getTime();
      return whatItWaitsFor(pod, ageMs > startWithinSeconds * 1_000);
    }
    default:
      return { state: 'unknown', detail: joined(', ', status.phase, status.reason) };
  }
}

function howItEnded({ status }: Pod): string {
  const ended = containerOf({ status })?.terminated;
  const exit = ended && `exit code ${ended.exitCode}`;
  return joined(', ', status.phase, status.reason ?? ended?.reason, exit, status.message ?? ended?.message);
}

/** Reasons of a waiting container (kubelet, `pkg/kubelet/images/types.go`, `kuberuntime`): those below do not go by themselves. */
const stuckReasons = [
  'ErrImagePull',
  'ImagePullBackOff',
  'CreateContainerConfigError',
  'CreateContainerError',
];
const hopelessReasons = ['InvalidImageName', 'ErrImageNeverPull'];

function whatItWaitsFor(pod: Pod, isLate: boolean): Life {
  const placing = pod.status.conditions?.find(({ type }) => type === 'PodScheduled');
  if (placing?.status === 'False') return whatPlacingWaitsFor(placing, isLate);
  const { reason, message } = containerOf(pod)?.waiting ?? {};
  const detail = joined(': ', joined('/', 'Pending', reason), message);
  if (isHopeless(reason ?? '', isLate)) return { state: 'error', detail };
  return { state: pod.spec.nodeName ? 'starting' : 'pending', detail };
}

type ContainerState = NonNullable<NonNullable<Pod['status']['containerStatuses']>[number]['state']>;

const containerOf = ({ status }: Pick<Pod, 'status'>): ContainerState | null | undefined =>
  status.containerStatuses?.[0]?.state;

const isHopeless = (reason: string, isLate: boolean): boolean =>
  hopelessReasons.includes(reason) || (isLate && stuckReasons.includes(reason));

function whatPlacingWaitsFor(
  { reason, message }: { reason?: string | null | undefined; message?: string | null | undefined },
  isLate: boolean,
): Life {
  const waitsForCapacity = reason === 'Unschedulable';
  const words = joined('/', 'Pending', waitsForCapacity ? 'Unschedulable, waits for capacity' : reason);
  return { state: waitsForCapacity && isLate ? 'error' : 'pending', detail: joined(': ', words, message) };
}

function joined(separator: string, ...words: readonly (string | null | undefined)[]): string {
  return words.filter((word) => typeof word === 'string' && word !== '').join(separator);
}
