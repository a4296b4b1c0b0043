import type {
  ImageSpec,
  NetworkSpec,
  Power,
  ProviderCatalog,
  ProviderKind,
  ProviderQuota,
  SecurityRule,
} from '@medusa/protocol';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Item, Operation, ResourcePort } from './resource.ts';

/** What runs in a machine when it is on: settings of its agent, and the same as cloud-init user data (`#cloud-config`). */
export type GuestStart = {
  readonly environment: Readonly<Record<string, string>>;
  readonly userData: string;
};

/** References (`…Ref`) are the provider's own ids. */
export type MachineRequest = {
  /** Ids of the provider's catalogue. */
  readonly image: string;
  readonly size: string;
  readonly zone: string | null;
  readonly networkRefs: readonly string[];
  readonly securityGroupRefs: readonly string[];
  /** Name of an imported key, where the provider has keys. */
  readonly keyName: string | null;
  readonly guest: GuestStart;
};

export type Machine = Item & {
  /** Addresses by which others reach it, as far as known. */
  readonly addresses: readonly string[];
  readonly image: string | null;
  readonly size: string | null;
  readonly zone: string | null;
};

export type MachineAction = 'start' | 'stop' | 'restart' | 'suspend' | 'resume';

export interface MachinePort extends ResourcePort<MachineRequest, Machine> {
  /** Those that `act` takes; others are `invalid`. */
  readonly actions: readonly MachineAction[];
  /** Resolves when the provider has accepted it. An action that leads to the state it is in already succeeds. */
  act(ref: string, action: MachineAction, operation: Operation): Promise<void>;
  /** The end of what the machine printed, at most 64 KiB, or where its screen can be seen. */
  console?(
    ref: string,
    signal: AbortSignal,
  ): Promise<
    { readonly kind: 'text'; readonly text: string } | { readonly kind: 'url'; readonly url: string }
  >;
}

export type VolumeRequest = {
  readonly sizeGiB: number;
  readonly type: string | null;
  readonly zone: string | null;
  /** What it starts with: nothing, a snapshot, or a copy of a volume. */
  readonly source:
    { readonly kind: 'blank' } | { readonly kind: 'snapshot' | 'volume'; readonly ref: string };
};
export type Volume = Item & {
  readonly sizeGiB: number;
  readonly attachedTo: { readonly machineRef: string; readonly device: string | null } | null;
};
export interface VolumePort extends ResourcePort<VolumeRequest, Volume> {
  /** One machine at a time: a second one is a `conflict`. Attached to that machine already: succeeds. */
  attach(ref: string, machineRef: string, operation: Operation): Promise<void>;
  /** Not attached: succeeds. */
  detach(ref: string, operation: Operation): Promise<void>;
  /** Puts the volume back to the snapshot; only while it is detached. */
  revert?(ref: string, snapshotRef: string, operation: Operation): Promise<void>;
}

export type Snapshot = Item & { readonly volumeRef: string; readonly sizeGiB: number };
export type SnapshotPort = ResourcePort<{ readonly volumeRef: string }, Snapshot>;

export type Network = Item & { readonly cidrs: readonly string[]; readonly segment: number | null };
export type NetworkPort = ResourcePort<NetworkSpec, Network>;

/** A floating address. */
export type Address = Item & { readonly address: string; readonly assignedTo: string | null };
export interface AddressPort extends ResourcePort<{ readonly from: string | null }, Address> {
  /** Moves it in one step, from whichever machine has it. */
  assign(ref: string, machineRef: string, operation: Operation): Promise<void>;
  unassign(ref: string, operation: Operation): Promise<void>;
}

export type SecurityGroup = Item & { readonly rules: readonly SecurityRule[] };
export type SecurityGroupPort = ResourcePort<{ readonly rules: readonly SecurityRule[] }, SecurityGroup>;

export type Image = Item & { readonly architecture: string | null; readonly contentHash: string | null };
/** Uploads a built image. `file` is on this machine; its format is one of `formats`. */
export interface ImagePort extends ResourcePort<
  ImageSpec & { readonly file: string; readonly contentHash: string },
  Image
> {
  readonly formats: readonly ('qcow2' | 'raw' | 'rootfs-tar' | 'oci-tar')[];
}

/** SSH public keys by name. Importing the same again succeeds; another key under that name is a `conflict`. */
export interface KeyPort {
  import(name: string, publicKey: string, operation: Operation): Promise<void>;
  remove(name: string, operation: Operation): Promise<void>;
}

/** Facts of a provider that the engine's certainty rests on. */
export type ProviderTraits = {
  /** A name can be taken only once: creating again cannot double. */
  readonly uniqueNames: boolean;
  /** The provider honours `Operation.id`: the same call again answers the same thing. */
  readonly idempotencyTokens: boolean;
  /** How long an accepted create may stay invisible to `get` and `list`. */
  readonly visibilityMs: number;
  /** How many calls may run at once. */
  readonly concurrency: number;
};

/** What a provider cannot do, it does not have: an absent port is a capability that is not there. */
export interface ProviderDriver extends AsyncDisposable {
  readonly kind: ProviderKind;
  readonly traits: ProviderTraits;
  readonly machines: MachinePort;
  readonly volumes?: VolumePort;
  readonly snapshots?: SnapshotPort;
  readonly networks?: NetworkPort;
  readonly addresses?: AddressPort;
  readonly securityGroups?: SecurityGroupPort;
  readonly images?: ImagePort;
  readonly keys?: KeyPort;
  /** Is it there, do the credentials hold, how much is used? Throws a `ProviderError` when not. */
  probe(
    signal: AbortSignal,
  ): Promise<{ readonly version: string; readonly quotas: readonly ProviderQuota[] }>;
  catalog(signal: AbortSignal): Promise<ProviderCatalog>;
  /** Tells that something of the owner changed, so that the engine looks sooner. Ends with the signal. */
  watch?(owner: string, onChange: (ref: string | null) => void, signal: AbortSignal): Promise<void>;
}

/** How a kind of provider is set up. Settings are shown to administrators; credentials are sealed and never leave. */
export type DriverDefinition<Settings = unknown, Credentials = unknown> = {
  readonly kind: ProviderKind;
  readonly title: string;
  readonly settingsSchema: z.ZodType<Settings>;
  readonly credentialsSchema: z.ZodType<Credentials>;
  open(settings: Settings, credentials: Credentials, context: DriverContext): Promise<ProviderDriver>;
};

export type DriverContext = {
  readonly log: Logger;
  readonly now: () => Date;
  /** A folder of this provider's own on the broker's machine. */
  readonly dataDir: string;
};

/** The states of power that an administrator can want, and the action that leads there. */
export const powerActions = {
  on: 'start',
  off: 'stop',
  suspended: 'suspend',
} as const satisfies Record<Power, MachineAction>;
