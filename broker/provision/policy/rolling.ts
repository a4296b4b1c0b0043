export type PoolNode = {
  readonly id: string;
  /** Made to another revision or specification than the pool has now. */
  readonly isOutdated: boolean;
  readonly isReady: boolean;
  readonly isDraining: boolean;
  readonly liveSessions: number;
  readonly createdAt: Date;
};

export type PoolMoves = {
  readonly add: number;
  readonly drain: readonly string[];
  readonly undrain: readonly string[];
};

/** How many nodes more than its target a pool may have while it is renewed. */
export const surgeOf = (target: number): number => Math.max(1, Math.ceil(target / 10));

/**
 * What brings a pool to `target` nodes of its present revision. Renewal makes the new node ready before an old one drains, so that
 * fewer than `target` are never ready for its sake; draining ends no session. Nodes that are idle go first.
 */
export function planRolling(nodes: readonly PoolNode[], target: number): PoolMoves {
  const active = nodes.filter(({ isDraining }) => !isDraining);
  const outdated = active.filter(({ isOutdated }) => isOutdated);
  const undrain = nodes
    .filter(({ isDraining, isOutdated }) => isDraining && !isOutdated)
    .sort((a, b) => b.liveSessions - a.liveSessions || byAge(a, b))
    .slice(0, Math.max(0, target - active.length))
    .map(({ id }) => id);
  const missing = Math.max(0, target - active.length - undrain.length);
  const drain = drainable(active, target);
  const current = active.length - outdated.length + undrain.length + missing;
  const room = target + surgeOf(target) - nodes.length - missing;
  const renewed = outdated.length === 0 ? 0 : Math.max(0, Math.min(target - current, room));
  return { add: missing + renewed, drain, undrain };
}

/** Old ones that the others can spare, then any surplus. */
function drainable(active: readonly PoolNode[], target: number): string[] {
  const ready = active.filter(({ isReady }) => isReady);
  const outdated = active.filter(({ isOutdated }) => isOutdated);
  const surge = outdated.length === 0 ? 0 : surgeOf(target);
  const spare = Math.max(0, ready.length - target);
  const old = [
    ...outdated.filter(({ isReady }) => !isReady),
    ...outdated
      .filter(({ isReady }) => isReady)
      .sort(byUse)
      .slice(0, spare),
  ];
  const going = new Set(old);
  const surplus = active
    .filter((node) => !going.has(node))
    .sort(
      (a, b) =>
        Number(a.isReady) - Number(b.isReady) || Number(b.isOutdated) - Number(a.isOutdated) || byUse(a, b),
    )
    .slice(0, Math.max(0, active.length - old.length - target - surge));
  return [...old, ...surplus].map(({ id }) => id);
}

const byAge = (a: PoolNode, b: PoolNode): number =>
  a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1);
const byUse = (a: PoolNode, b: PoolNode): number => a.liveSessions - b.liveSessions || byAge(a, b);
