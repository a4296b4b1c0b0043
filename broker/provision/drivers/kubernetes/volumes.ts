import type { V1PersistentVolumeClaim, V1TypedLocalObjectReference } from '@kubernetes/client-node';
import { z } from 'zod';
import { ProviderError, type Volume, type VolumePort, type VolumeRequest } from '../../port/index.ts';
import { allPages, byUid, forbiddenIsNone, parsed, toModel, type Plain } from './client.ts';
import { labelsOf, metadataSchema, selectorOf } from './labels.ts';
import type { Machines } from './machines.ts';
import { createOnce, deleteOurs, itemOf, readOurs, type ObjectCalls } from './objects.ts';
import { podSchema, type Pod } from './pod.ts';
import { parseQuantity } from './quantity.ts';
import { remake, withClaim, withoutClaim } from './remake.ts';
import { snapshotGroup } from './snapshots.ts';

/** core/v1 PersistentVolumeClaim, as far as we read it. */
const claimSchema = z.object({
  metadata: metadataSchema,
  spec: z.object({
    storageClassName: z.string().nullish(),
    resources: z.object({ requests: z.record(z.string(), z.string()).nullish() }).nullish(),
  }),
  status: z.object({ phase: z.string().nullish() }).nullish(),
});
type Claim = z.infer<typeof claimSchema>;

const storageClassSchema = z.object({
  metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()).default({}) }),
  provisioner: z.string(),
  volumeBindingMode: z.string().nullish(),
});
type StorageClass = z.infer<typeof storageClassSchema>;

/** Which pod has which claims, as one look at the namespace tells. */
type Mounts = { readonly pods: readonly Pod[]; readonly classes: readonly StorageClass[] };

/** A volume is a PersistentVolumeClaim: ReadWriteOnce, and mounted by one machine. */
export function volumePort(context: Machines): VolumePort {
  const { cluster, settings } = context;
  const { namespace } = settings;
  const calls: ObjectCalls<Claim> = {
    read: async (name, signal) =>
      parsed(
        claimSchema,
        await cluster.core(signal).readNamespacedPersistentVolumeClaim({ name, namespace }),
      ),
    delete: async (name, uid, signal) =>
      cluster.core(signal).deleteNamespacedPersistentVolumeClaim({
        name,
        namespace,
        body: byUid(uid),
      }),
  };
  const look = async (signal: AbortSignal): Promise<Mounts> => {
    const [pods, classes] = await Promise.all([
      allPages(async (page) => cluster.core(signal).listNamespacedPod({ namespace, ...page })),
      forbiddenIsNone(async () => (await cluster.storage(signal).listStorageClass()).items),
    ]);
    return {
      pods: parsed(z.array(podSchema), pods),
      classes: parsed(z.array(storageClassSchema), classes),
    };
  };
  const existing = async (ref: string, signal: AbortSignal): Promise<Claim> => {
    const claim = await readOurs(calls, ref, signal);
    if (!claim) throw new ProviderError('not-found', `No volume ${ref}`);
    return claim;
  };
  return {
    async create(request, tag, name, operation) {
      const { signal } = operation;
      signal.throwIfAborted();
      const mounts = await look(signal);
      const source = sourceOf(request);
      if (source) checkCopies(request.type, mounts.classes);
      const body = toModel<V1PersistentVolumeClaim>({
        metadata: { name, labels: labelsOf(tag) },
        spec: {
          accessModes: ['ReadWriteOnce'],
          ...(request.type === null ? {} : { storageClassName: request.type }),
          resources: { requests: { storage: `${request.sizeGiB}Gi` } },
          ...(source && { dataSource: source }),
        },
      });
      const create = async (): Promise<Claim> =>
        parsed(
          claimSchema,
          await cluster.core(signal).createNamespacedPersistentVolumeClaim({ namespace, body }),
        );
      const { object } = await createOnce(create, calls, { tag, name, operation });
      const made = volumeOf(object, mounts);
      if (!made) throw new ProviderError('unknown-outcome', `${name} came back without its labels`);
      return made;
    },
    async get(ref, signal) {
      const claim = await readOurs(calls, ref, signal);
      return claim && volumeOf(claim, await look(signal));
    },
    async list(owner, signal) {
      const items = await allPages(async (page) =>
        cluster.core(signal).listNamespacedPersistentVolumeClaim({
          namespace,
          labelSelector: selectorOf(owner),
          ...page,
        }),
      );
      const mounts = await look(signal);
      return parsed(z.array(claimSchema), items).flatMap((claim) => volumeOf(claim, mounts) ?? []);
    },
    async destroy(ref, operation) {
      await deleteOurs(calls, ref, operation.signal);
    },
    async attach(ref, machineRef, operation) {
      const { signal } = operation;
      await existing(ref, signal);
      const holder = holderOf(ref, (await look(signal)).pods);
      if (holder?.metadata.name === machineRef) return;
      if (holder) throw new ProviderError('conflict', `${ref} is mounted by ${holder.metadata.name}`);
      await remake(
        context,
        { machineRef, change: (pod) => withClaim(pod, ref, settings.mountFolder) },
        operation,
      );
    },
    async detach(ref, operation) {
      const holder = holderOf(ref, (await look(operation.signal)).pods);
      if (!holder) return;
      const machineRef = holder.metadata.name;
      await remake(context, { machineRef, change: (pod) => withoutClaim(pod, ref) }, operation);
    },
  };
}

function sourceOf({ source, zone }: VolumeRequest): Plain<V1TypedLocalObjectReference> | undefined {
  if (zone !== null)
    throw new ProviderError(
      'invalid',
      'Where a volume lies is up to its storage class: choose one of that zone',
    );
  switch (source.kind) {
    case 'blank':
      return undefined;
    case 'volume':
      return { kind: 'PersistentVolumeClaim', name: source.ref };
    case 'snapshot':
      return { apiGroup: snapshotGroup, kind: 'VolumeSnapshot', name: source.ref };
  }
}

/**
 * Only a provisioner of the Container Storage Interface looks at the source. Any other would hand out an empty volume and call
 * it a copy (Kubernetes, "CSI Volume Cloning").
 */
function checkCopies(type: string | null, classes: readonly StorageClass[]): void {
  const isDefault = ({ metadata }: StorageClass): boolean =>
    metadata.annotations['storageclass.kubernetes.io/is-default-class'] === 'true';
  const chosen = classes.find((one) => (type === null ? isDefault(one) : one.metadata.name === type));
  if (!chosen || chosen.provisioner.startsWith('kubernetes.io/'))
    throw new ProviderError('invalid', `The storage class ${type ?? 'by default'} makes no copies`);
}

function volumeOf(claim: Claim, { pods, classes }: Mounts): Volume | undefined {
  const item = itemOf(claim, lifeOf(claim, classes));
  const holder = holderOf(claim.metadata.name, pods);
  return (
    item && {
      ...item,
      sizeGiB: Math.round(parseQuantity(claim.spec.resources?.requests?.['storage'] ?? '0') / 2 ** 30),
      attachedTo: holder ? { machineRef: holder.metadata.name, device: null } : null,
    }
  );
}

function lifeOf({ status, spec }: Claim, classes: readonly StorageClass[]): Pick<Volume, 'state' | 'detail'> {
  switch (status?.phase) {
    case 'Bound':
      return { state: 'running', detail: 'Bound' };
    case 'Lost':
      return { state: 'error', detail: 'Lost: the volume behind the claim is gone' };
    default: {
      const chosen = classes.find(({ metadata }) => metadata.name === spec.storageClassName);
      // It is provisioned where its first pod runs: nothing is missing before that.
      return chosen?.volumeBindingMode === 'WaitForFirstConsumer'
        ? { state: 'running', detail: 'Pending/WaitForFirstConsumer' }
        : { state: 'pending', detail: status?.phase ?? 'Pending' };
    }
  }
}

/** A pod that has ended does not hold its volumes any more. */
function holderOf(claimName: string, pods: readonly Pod[]): Pod | undefined {
  return pods.find(
    ({ spec, status }) =>
      !['Succeeded', 'Failed'].includes(status.phase) &&
      (spec.volumes ?? []).some((volume) => volume.persistentVolumeClaim?.claimName === claimName),
  );
}
