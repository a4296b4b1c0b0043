import { z } from 'zod';
import { isProviderFault, ProviderError, type Snapshot, type SnapshotPort } from '../../port/index.ts';
import { allPages, byUid, parsed, type Cluster } from './client.ts';
import { labelsOf, metadataSchema, selectorOf } from './labels.ts';
import { createOnce, deleteOurs, itemOf, readOurs, type ObjectCalls } from './objects.ts';
import { parseQuantity } from './quantity.ts';
import type { Settings } from './settings.ts';

export const snapshotGroup = 'snapshot.storage.k8s.io';
const plural = 'volumesnapshots';
const sizeAnnotation = 'medusa-size-gib';

/** VolumeSnapshot (external-snapshotter, v1 and v1beta1), as far as we read it. */
const snapshotSchema = z.object({
  metadata: metadataSchema.extend({ annotations: z.record(z.string(), z.string()).default({}) }),
  spec: z.object({ source: z.object({ persistentVolumeClaimName: z.string().nullish() }) }),
  status: z
    .object({
      readyToUse: z.boolean().nullish(),
      restoreSize: z.string().nullish(),
      error: z.object({ message: z.string().nullish() }).nullish(),
    })
    .nullish(),
});
type VolumeSnapshot = z.infer<typeof snapshotSchema>;

const groupSchema = z.object({ preferredVersion: z.object({ version: z.string() }) });
const claimSizeSchema = z.object({
  spec: z.object({ resources: z.object({ requests: z.record(z.string(), z.string()) }) }),
});
const listSchema = z.object({
  items: z.array(z.unknown()),
  metadata: z.object({ continue: z.string().optional() }).optional(),
});

/** The version of the snapshot API that the cluster serves; undefined: it has none. */
export async function snapshotVersion(cluster: Cluster, signal: AbortSignal): Promise<string | undefined> {
  try {
    const group: unknown = JSON.parse(await cluster.text(`/apis/${snapshotGroup}`, signal));
    return parsed(groupSchema, group).preferredVersion.version;
  } catch (error) {
    if (isProviderFault(error, 'not-found')) return undefined;
    throw error;
  }
}

export function snapshotPort(
  cluster: Cluster,
  { namespace, snapshotClass }: Settings,
  version: string,
): SnapshotPort {
  const kind = { group: snapshotGroup, version, namespace, plural };
  const calls: ObjectCalls<VolumeSnapshot> = {
    read: async (name, signal) =>
      parsed(snapshotSchema, await cluster.custom(signal).getNamespacedCustomObject({ ...kind, name })),
    async delete(name, uid, signal) {
      await cluster.custom(signal).deleteNamespacedCustomObject({ ...kind, name, body: byUid(uid) });
    },
  };
  return {
    async create({ volumeRef }, tag, name, operation) {
      const { signal } = operation;
      signal.throwIfAborted();
      const claim = parsed(
        claimSizeSchema,
        await cluster.core(signal).readNamespacedPersistentVolumeClaim({ name: volumeRef, namespace }),
      );
      const sizeGiB = Math.round(parseQuantity(claim.spec.resources.requests['storage'] ?? '0') / 2 ** 30);
      const body = {
        apiVersion: `${snapshotGroup}/${version}`,
        kind: 'VolumeSnapshot',
        metadata: { name, labels: labelsOf(tag), annotations: { [sizeAnnotation]: String(sizeGiB) } },
        spec: {
          source: { persistentVolumeClaimName: volumeRef },
          ...(snapshotClass === undefined ? {} : { volumeSnapshotClassName: snapshotClass }),
        },
      };
      const create = async (): Promise<VolumeSnapshot> =>
        parsed(snapshotSchema, await cluster.custom(signal).createNamespacedCustomObject({ ...kind, body }));
      const { object } = await createOnce(create, calls, { tag, name, operation });
      const made = snapshotOf(object);
      if (!made) throw new ProviderError('unknown-outcome', `${name} came back without its labels`);
      return made;
    },
    async get(ref, signal) {
      const snapshot = await readOurs(calls, ref, signal);
      return snapshot && snapshotOf(snapshot);
    },
    async list(owner, signal) {
      const items = await allPages(async (page) => {
        const request = { ...kind, labelSelector: selectorOf(owner), ...page };
        const list = parsed(listSchema, await cluster.custom(signal).listNamespacedCustomObject(request));
        const next = list.metadata?.continue;
        return { items: list.items, metadata: next === undefined ? {} : { _continue: next } };
      });
      return parsed(z.array(snapshotSchema), items).flatMap((snapshot) => snapshotOf(snapshot) ?? []);
    },
    async destroy(ref, operation) {
      await deleteOurs(calls, ref, operation.signal);
    },
  };
}

function snapshotOf(snapshot: VolumeSnapshot): Snapshot | undefined {
  const { metadata, spec, status } = snapshot;
  const item = itemOf(snapshot, lifeOf(snapshot));
  const restored = parseQuantity(status?.restoreSize ?? '') / 2 ** 30;
  return (
    item && {
      ...item,
      volumeRef: spec.source.persistentVolumeClaimName ?? '',
      sizeGiB: Number.isFinite(restored)
        ? Math.round(restored)
        : Number(metadata.annotations[sizeAnnotation] ?? 0),
    }
  );
}

function lifeOf({ status }: VolumeSnapshot): Pick<Snapshot, 'state' | 'detail'> {
  if (status?.readyToUse === true) return { state: 'running', detail: 'readyToUse' };
  if (status?.error) return { state: 'error', detail: status.error.message ?? 'error' };
  return { state: 'pending', detail: 'not readyToUse' };
}
