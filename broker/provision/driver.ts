import type { NodeId } from '@medusa/protocol';

export type MachineStatus =
  | { readonly state: 'absent' }
  | { readonly state: 'active'; readonly since: Date; readonly detail: string }
  | { readonly state: 'lost'; readonly reason: string };

/** What a render node needs to start: settings of its agent, its token among them. */
export type MachineNeed = { readonly environment: Readonly<Record<string, string>> };

/**
 * What the broker asks of an infrastructure provider.
 *
 * The contract, run against every driver by `driver.contract.ts`:
 * - `acquire` is idempotent on `id`: asked twice, there is still one machine. A lost one must be released first.
 * - `inspect` tells the provider's truth, never a cached one. The broker may have restarted.
 * - `lost` means: it was acquired, it was not released, and it does not run.
 * - `release` of an absent machine succeeds; when it resolves, the machine is gone.
 * - `list` answers every id that is active or lost.
 * - An aborted call leaves nothing behind.
 */
export interface ProviderDriver {
  readonly kind: string;
  acquire(id: NodeId, need: MachineNeed, signal: AbortSignal): Promise<void>;
  inspect(id: NodeId, signal: AbortSignal): Promise<MachineStatus>;
  release(id: NodeId, signal: AbortSignal): Promise<void>;
  list(signal: AbortSignal): Promise<readonly NodeId[]>;
}
