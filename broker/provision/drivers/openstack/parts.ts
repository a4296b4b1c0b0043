import type { ItemState } from '../../port/index.ts';

/** How long a thing of several parts may lack some while its create call runs. */
const graceMs = 120_000;

/**
 * Does what is needed to complete a thing; when that fails, takes the thing away again. Should that fail as well, what is left is
 * marked as ours and told as incomplete: see `whenReady`.
 */
export async function undoing<T>(undo: () => Promise<void>, complete: () => Promise<T>): Promise<T> {
  try {
    return await complete();
  } catch (error) {
    await undo().catch(() => undefined);
    throw error;
  }
}

/** A thing that still lacks parts some time after it was made will not get them any more: its maker has ended. */
export function whenReady(
  isComplete: boolean,
  { createdAt, now, why }: { createdAt: Date | null; now: Date; why: string },
): { state: ItemState; detail: string } {
  if (isComplete) return { state: 'running', detail: '' };
  const isOld = createdAt === null || now.getTime() - createdAt.getTime() > graceMs;
  return isOld ? { state: 'error', detail: `incomplete: ${why}` } : { state: 'starting', detail: why };
}
