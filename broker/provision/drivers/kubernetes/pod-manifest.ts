import { createHash } from 'node:crypto';
import type { V1Affinity, V1Container, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { ProviderError, type MachineRequest, type Operation, type OwnerTag } from '../../port/index.ts';
import { architectureLabel, goArchitectures, sizeOf, zoneLabel } from './catalog.ts';
import type { Plain } from './client.ts';
import { labelsOf, ownerLabel } from './labels.ts';
import type { Settings, Size } from './settings.ts';

/** Marks the members of a security group: see NetworkPolicy's `podSelector`. */
export const groupLabel = (groupRef: string): string => `medusa-group/${groupRef}`;
export const sizeAnnotation = 'medusa-size';
export const zoneAnnotation = 'medusa-zone';

/** Named when the pod is made; no two pods ever share one, so that none starts with what an earlier one of its name was told. */
export const secretNameOf = (podName: string, { id }: Pick<Operation, 'id'>): string =>
  `${podName}-${createHash('sha256').update(id).digest('hex').slice(0, 10)}`;

type Wanted = { readonly tag: OwnerTag; readonly name: string; readonly operation: Operation };

/** A machine as a pod. Its environment is in a secret, so that whoever may read pods reads no token. */
export function podOf(request: MachineRequest, wanted: Wanted, settings: Settings): Plain<V1Pod> {
  const { tag, name, operation } = wanted;
  const { size, image, architecture } = offered(request, settings);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels: {
        ...labelsOf(tag),
        ...Object.fromEntries(request.securityGroupRefs.map((ref) => [groupLabel(ref), 'member'])),
      },
      annotations: {
        [sizeAnnotation]: size.id,
        ...(request.zone === null ? {} : { [zoneAnnotation]: request.zone }),
      },
    },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...hostOf(settings),
      nodeSelector: {
        ...settings.nodeSelector,
        ...(architecture && { [architectureLabel]: goArchitectures[architecture] }),
        ...(request.zone === null ? {} : { [zoneLabel]: request.zone }),
      },
      securityContext: {
        runAsNonRoot: true,
        runAsUser: settings.runAsUser,
        runAsGroup: settings.runAsUser,
        fsGroup: settings.runAsUser,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [containerOf({ image, secret: secretNameOf(name, operation) }, size, settings)],
      volumes: [
        {
          name: 'shared-memory',
          emptyDir: { medium: 'Memory', sizeLimit: `${settings.sharedMemoryMiB}Mi` },
        },
      ],
    },
  };
}

function offered(
  request: MachineRequest,
  settings: Settings,
): { size: Size; image: string; architecture: Size['architecture'] } {
  const size = sizeOf(request.size, settings);
  if (!size) throw new ProviderError('invalid', `No size ${request.size} is offered`);
  const image = settings.images.find(({ id }) => id === request.image);
  if (!image) throw new ProviderError('invalid', `No image ${request.image} is offered`);
  if (image.architecture && size.architecture && image.architecture !== size.architecture)
    throw new ProviderError('invalid', `${image.id} is for ${image.architecture}, ${size.id} is not`);
  if (request.networkRefs.length > 0)
    throw new ProviderError('invalid', 'A cluster has one network; give none');
  return { size, image: image.id, architecture: image.architecture ?? size.architecture };
}

const oneANode: Plain<V1Affinity> = {
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      {
        labelSelector: { matchExpressions: [{ key: ownerLabel, operator: 'Exists' }] },
        topologyKey: 'kubernetes.io/hostname',
      },
    ],
  },
};

/** What the settings say about the nodes and how it runs there. */
function hostOf(settings: Settings): Partial<Plain<V1PodSpec>> {
  const { hostNetwork, runtimeClass, imagePullSecrets, tolerations } = settings;
  return {
    hostNetwork,
    ...(hostNetwork && { dnsPolicy: 'ClusterFirstWithHostNet', affinity: oneANode }),
    ...(runtimeClass !== undefined && { runtimeClassName: runtimeClass }),
    ...(imagePullSecrets.length > 0 && { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    tolerations: tolerations.map(({ key, value, effect }) => ({
      key,
      ...(value === undefined ? { operator: 'Exists' } : { operator: 'Equal', value }),
      ...(effect && { effect }),
    })),
  };
}

function containerOf(
  { image, secret }: { image: string; secret: string },
  { cpus, memoryMiB, gpus }: Size,
  { gpuResource }: Settings,
): Plain<V1Container> {
  const resources = {
    cpu: `${Math.round(cpus * 1_000)}m`,
    memory: `${memoryMiB}Mi`,
    ...(gpus > 0 && { [gpuResource]: String(gpus) }),
  };
  return {
    name: 'machine',
    image,
    envFrom: [{ secretRef: { name: secret } }],
    // Equal: the pod is of the class Guaranteed, the last to be evicted (Kubernetes, "Pod Quality of Service Classes").
    resources: { requests: resources, limits: resources },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [{ name: 'shared-memory', mountPath: '/dev/shm' }],
  };
}
