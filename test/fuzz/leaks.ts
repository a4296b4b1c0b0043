import { waitFor } from '../support/wait.ts';
import type { StorageNode } from '../support/storage-node.ts';

/** What a process may grow by while it warms up and its heap is not collected; a leak of a byte a PDU would not show, one of a buffer would. */
const mostGrowthMiB = 192;

export type Level = { readonly residentMiB: number; readonly openFiles: number };

/** The node at rest: nobody is connected, and what was is over. */
export async function levelOf(node: StorageNode): Promise<Level> {
  let last = -1;
  const openFiles = await waitFor('rest', async () => {
    const before = last;
    last = node.openFiles();
    return last === before && node.incoming() === 0 ? last : undefined;
  });
  return { residentMiB: node.residentMiB(), openFiles };
}

/** Undefined: nothing was left behind. */
export function leakOf(before: Level, after: Level): string | undefined {
  if (after.openFiles > before.openFiles)
    return `${after.openFiles - before.openFiles} more files are open than before`;
  const growth = after.residentMiB - before.residentMiB;
  return growth > mostGrowthMiB ? `the node has grown by ${growth.toFixed(0)} MiB` : undefined;
}
