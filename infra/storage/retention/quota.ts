import type { IndexDatabase } from '../index/index-database.ts';
import type { PolicySource } from './policy.ts';

type NewContent = {
  readonly studyInstanceUID: string;
  readonly receivedFrom: string;
  readonly bytes: number;
  /** A node that stands for this one has taken it. */
  readonly isReplica: boolean;
};

/** How large studies may become. */
export interface Quota {
  /** Why the object would be too much for its study; undefined: it may come in. */
  refusalOf(content: NewContent): string | undefined;
}

type Size = { bytes: number; objects: number };
/** Those that are being sent; of others the sum is one look at the index. */
const mostRemembered = 500;

export function createQuota(index: IndexDatabase, source: Pick<PolicySource, 'policy'>): Quota {
  const sizes = new Map<string, Size>();
  const sizeOf = (study: string): Size => {
    const known = sizes.get(study);
    if (known) return known;
    const size = index.get<Size>(
      'SELECT coalesce(sum(bytes), 0) AS bytes, count(*) AS objects FROM instance WHERE study_instance_uid = ?',
      study,
    ) ?? { bytes: 0, objects: 0 };
    if (sizes.size >= mostRemembered) sizes.clear();
    sizes.set(study, { ...size });
    return sizes.get(study) ?? size;
  };
  return {
    refusalOf({ studyInstanceUID, receivedFrom, bytes, isReplica }) {
      const quotas = Object.entries(source.policy().quotas).filter(
        ([, { from }]) => !isReplica && (from.length === 0 || from.includes(receivedFrom)),
      );
      if (quotas.length === 0) {
        sizes.delete(studyInstanceUID);
        return undefined;
      }
      const size = sizeOf(studyInstanceUID);
      const over = quotas.find(
        ([, { studyGiB = Infinity, studyObjects = Infinity }]) =>
          size.bytes + bytes > studyGiB * 2 ** 30 || size.objects >= studyObjects,
      );
      if (over) {
        // It may have become smaller since.
        sizes.delete(studyInstanceUID);
        return `study quota ${over[0]}`.slice(0, 64);
      }
      size.bytes += bytes;
      size.objects += 1;
      return undefined;
    },
  };
}
