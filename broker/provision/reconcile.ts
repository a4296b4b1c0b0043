import { AppError, type NodeId, type NodeState } from '@medusa/protocol';
import type { MachineNeed, ProviderDriver } from './driver.ts';

/** Which render nodes there shall be. Stored, so that every broker wants the same. */
export interface DesiredNodeStore {
  load(): Promise<readonly NodeId[]>;
  save(ids: readonly NodeId[]): Promise<void>;
}

/** What the loop tells of, and what it has to know of the nodes' links. */
interface NodeBoard {
  setState(nodeId: NodeId, state: NodeState, reason: string): void;
  processGone(nodeId: NodeId, reason: string): void;
  view(nodeId: NodeId): { readonly state: NodeState } | undefined;
}

type ReconcileDeps = {
  readonly driver: ProviderDriver;
  readonly desired: DesiredNodeStore;
  readonly board: NodeBoard;
  readonly needOf: (id: NodeId) => Promise<MachineNeed>;
  readonly onError: (error: unknown) => void;
};

const callTimeoutMs = 30_000;

/**
 * One pass of the loop that closes the gap between the nodes wanted and the nodes there are.
 * Asks the driver for the truth each time; safe to run again after any crash.
 */
export async function reconcile(deps: ReconcileDeps, signal: AbortSignal): Promise<void> {
  const { driver, desired } = deps;
  const wanted = await desired.load();
  const present = await driver.list(signal);
  for (const id of wanted) await attempt(deps, id, async () => ensure(deps, id, signal));
  for (const id of present.filter((candidate) => !wanted.includes(candidate)))
    await attempt(deps, id, async () => dismiss(deps, id, signal));
}

async function attempt(deps: ReconcileDeps, id: NodeId, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const reason = error instanceof AppError ? error.message : 'The provider failed';
    deps.board.setState(id, 'lost', reason);
    deps.onError(error);
  }
}

async function ensure(
  { driver, board, needOf }: ReconcileDeps,
  id: NodeId,
  signal: AbortSignal,
): Promise<void> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]);
  const status = await driver.inspect(id, bounded);
  if (status.state === 'active') {
    const state = board.view(id)?.state;
    if (state === undefined || state === 'absent')
      board.setState(id, 'joining', `Found running: ${status.detail}`);
    return;
  }
  let reason = 'Wanted and not there';
  if (status.state === 'lost') {
    board.processGone(id, status.reason);
    await driver.release(id, bounded);
    reason = `Replaced: ${status.reason}`;
  }
  board.setState(id, 'provisioning', reason);
  await driver.acquire(id, await needOf(id), bounded);
  // A fast node may have registered already.
  if (board.view(id)?.state === 'provisioning') board.setState(id, 'joining', reason);
}

async function dismiss({ driver, board }: ReconcileDeps, id: NodeId, signal: AbortSignal): Promise<void> {
  board.setState(id, 'leaving', 'Not wanted any more');
  await driver.release(id, AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]));
  board.processGone(id, 'Not wanted any more');
  board.setState(id, 'absent', 'Not wanted any more');
}
