import type { NodeId, NodeState } from '@medusa/protocol';

/** What is known of one direction of a path: what to expect, and what to reckon with. Both in the unit of their name. */
export type Estimate = { readonly typical: number; readonly cautious: number };

/** A path as it was measured; null where nothing is known. */
export type PathEstimate = { readonly kbps: Estimate | null; readonly rttMs: Estimate | null };

/** Of one zone: its path to the storage node with the study, and its path to the user. */
export type ZonePaths = { readonly data: PathEstimate; readonly user: PathEstimate };

/** A graphics device as it is scheduled. Not every partition of a device draws: `graphics` says so. */
export type Gpu = {
  readonly vendor: string;
  readonly model: string;
  readonly architecture: string;
  readonly partition: string;
  readonly driverMajor: number;
  readonly memoryMiB: number;
  readonly encoderSessions: number;
  readonly graphics: boolean;
};

/** One demand on one attribute of the device; numbers are compared, words and claims must be equal. */
export type GpuCondition = {
  readonly [Attribute in keyof Gpu]: Gpu[Attribute] extends number
    ? { readonly attribute: Attribute; readonly atLeast: number }
    : { readonly attribute: Attribute; readonly equals: Gpu[Attribute] };
}[keyof Gpu];

/** What has to be started before the application can be: nothing, or a node of that kind. */
export type BootClass = 'warm' | 'container' | 'machine' | 'metal';

export type Candidate = {
  readonly nodeId: NodeId;
  readonly state: NodeState;
  readonly hasLink: boolean;
  readonly slots: number;
  readonly usedSlots: number;
  readonly applications: readonly string[];
  readonly cpus: number;
  readonly load1: number;
  readonly rendering: 'cpu' | 'webgl';
  readonly host: string;
  readonly architecture: string;
  readonly encoders: readonly string[];
  readonly gpu: Gpu | null;
  readonly provider: string;
  /** Nodes of one zone share their paths. */
  readonly zone: string;
  /** Whose law holds where the node stands, e.g. `EU`; null: unknown. */
  readonly jurisdiction: string | null;
  /** What the zone is certified for, e.g. `iso27001`, `hds`. */
  readonly security: readonly string[];
  /** For one session; null: unknown. */
  readonly pricePerHour: number | null;
  /** Drawn for one session; null: unknown. */
  readonly watts: number | null;
  /** What its users think of it, 0…1; null: unknown. */
  readonly opinion: number | null;
  readonly boot: BootClass;
  /** What waits before this session on that node, in ms. */
  readonly queueMs: number;
  /** People cannot reach it: it is good for the reading part of a session only. */
  readonly isPrivate?: boolean;
  /** It can run a part of a session: read for a viewer, or show what a reader delivers. */
  readonly takesRelay?: boolean;
};

/** What a session asks for. A list that is absent asks for nothing. */
export type PlacementNeed = {
  readonly applicationId: string;
  /** Which of the two parts of a session is to be there; absent: all of it. */
  readonly part?: 'reader' | 'viewer';
  /** Host on which the study is stored. */
  readonly storageHost: string;
  readonly architectures?: readonly string[];
  /** One of these encoders. */
  readonly encoders?: readonly string[];
  readonly gpu?: readonly GpuCondition[];
  /** The data must stay where one of these laws holds; a node of which that is unknown is refused. */
  readonly jurisdictions?: readonly string[];
  readonly zones?: readonly string[];
  readonly providers?: readonly string[];
  /** All of these. */
  readonly security?: readonly string[];
  readonly mostPricePerHour?: number;
  /** Bytes that the application reads before it shows an image. */
  readonly firstBytes?: number;
  /** By zone. */
  readonly paths?: ReadonlyMap<string, ZonePaths>;
};
