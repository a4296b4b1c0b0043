import type { ResourcePhase } from '@medusa/protocol';
import type { MachineAction, ProviderTraits } from '../port/index.ts';
import type { Settlement } from './store.ts';
import type { Intent, NodeFact, Status } from './model.ts';

/** One changing call at the provider. `operationId`: the same operation again, else a new one. */
export type Call =
  | { readonly action: 'create'; readonly operationId: string | null }
  | { readonly action: 'destroy' | 'detach' | 'unassign' | MachineAction; readonly ref: string }
  | { readonly action: 'attach' | 'assign'; readonly ref: string; readonly machineRef: string }
  | { readonly action: 'revert'; readonly ref: string; readonly snapshotRef: string };

/** What follows from the wish and the truth: what is written, and at most one call. */
export type Decision = {
  readonly phase: ResourcePhase;
  readonly reason: string;
  /** The step that is waited for, e.g. `machine.boot`; null when nothing is. */
  readonly waiting: string | null;
  readonly patch: Partial<Status>;
  readonly settle: readonly Settlement[];
  readonly call: Call | null;
  /** Look again after so long; null: when something is told. */
  readonly againMs: number | null;
};

export type Facts = {
  readonly now: number;
  readonly traits: ProviderTraits;
  /** Creates whose outcome is not known, and calls that a broker's end cut off. */
  readonly intents: readonly Intent[];
  readonly machineActions: readonly MachineAction[];
  readonly node: NodeFact | null;
  /** Since when heartbeats could be heard without a gap: silence before is nobody's fault. */
  readonly listeningSince: number;
  /** What must be there first: a sentence while it is not. */
  readonly waitsFor: string | null;
  /** Others that still stand on it: a sentence. */
  readonly neededBy: string | null;
  /** It may hold patient data and nobody has let it go. */
  readonly mustHold: boolean;
  /** The machine that shall have the volume; undefined: it is not up yet. */
  readonly holder: Holder | null | undefined;
  /** Machines that may have the address and are well, the preferred one first; null: nobody shall have it. */
  readonly takers: readonly Holder[] | null;
  /** The address's first machine while it comes up for the first time: nobody takes over what has not failed. */
  readonly awaited: string | null;
  /** For an asked revert. */
  readonly snapshotRef: string | null;
  /** Remediation of the pool has stopped. */
  readonly isBraked: boolean;
  readonly limits: Limits;
};

export type Holder = { readonly id: string; readonly ref: string };

export type Limits = {
  /** From running to joined. */
  readonly joinMs: number;
  /** From accepted to running. */
  readonly bootMs: number;
  /** Silence after which a node is taken for hung. */
  readonly hungMs: number;
  /** How long placements that were decided before a drain may still arrive. */
  readonly drainSettleMs: number;
};

/** Between looks at something that is on its way: often at first. */
export function pollMs(sinceMs: number): number {
  const least = sinceMs < 1_000 ? 250 : 1_000;
  return Math.min(5_000, Math.max(least, Math.round(sinceMs / 2)));
}

export function decision(parts: Partial<Decision> & Pick<Decision, 'phase' | 'reason'>): Decision {
  return { waiting: null, patch: {}, settle: [], call: null, againMs: null, ...parts };
}
