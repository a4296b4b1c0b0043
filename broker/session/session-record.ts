import {
  sessionViewSchema,
  type DeviceVerdict,
  type NodeId,
  type SessionId,
  type SessionState,
  type SessionView,
  type StudySummary,
} from '@medusa/protocol';

/** A session as it is stored: what everybody may see, and what only the broker needs. */
export type SessionRecord = Omit<SessionView, 'participants'> & {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Of the storage node that holds the study. */
  readonly storageNodeId: string;
  /** When the node got its command, in ms since the request: the node's own steps count from there. */
  readonly commandAtMs: number | null;
  /** What its study weighed when it was opened; unknown of older sessions, and where the storage node does not tell. */
  readonly studySize?: { readonly bytes: number; readonly instances: number } | undefined;
  /** What the device check found; sessions of older brokers do not say. */
  readonly deviceVerdict?: DeviceVerdict | undefined;
  /** How much it measured from the broker to the device. */
  readonly lanMbps?: number | undefined;
  /** Which of its lives this is, see `incarnationOf`. */
  readonly incarnation?: number | undefined;
  /** When the first participant took a seat. */
  readonly joinedAt: string | null;
};

/** States in which a session holds a slot of its node. */
export const slotStates = ['provisioning', 'starting', 'streaming', 'suspended', 'closing'] as const;
export const waitingStates = ['requested', 'queued', 'placing'] as const;
export const liveStates: readonly SessionState[] = [...waitingStates, ...slotStates];

export function isLive({ state }: Pick<SessionRecord, 'state'>): boolean {
  return state !== 'closed' && state !== 'failed';
}

/** A session has a new life each time it is opened on another node; what a former one still says or does is not heeded. */
export function incarnationOf({ incarnation }: Pick<SessionRecord, 'incarnation'>): number {
  return incarnation ?? 1;
}

/** It lost its node, and is being opened on another one. */
export function isRecovering({ recovery }: Pick<SessionRecord, 'recovery'>): boolean {
  return recovery?.recoveredAt === null;
}

export function toSessionView(record: SessionRecord, participants: number): SessionView {
  return sessionViewSchema.parse({ ...record, participants });
}

/** The node that reads for it, when it runs in two parts. */
export function readerOf({ placement }: Pick<SessionRecord, 'placement'>): NodeId | null {
  return placement?.split?.readerNodeId ?? null;
}

/** Where it runs: the node that shows it, and the one that reads for it. */
export function nodesOf(record: Pick<SessionRecord, 'nodeId' | 'placement'>): NodeId[] {
  return [record.nodeId, readerOf(record)].filter((nodeId) => nodeId !== null);
}

export type SessionQuery = {
  readonly states?: readonly SessionState[];
  /** That show it or read for it. */
  readonly nodeIds?: readonly string[];
  /** Sessions that this user owns or was invited to. */
  readonly seenBy?: string;
  readonly studyInstanceUID?: StudySummary['studyInstanceUID'];
  readonly limit?: number;
};

/** Where sessions are kept. */
export interface SessionStore {
  insert(record: SessionRecord): Promise<void>;
  find(id: SessionId): Promise<SessionRecord | undefined>;
  /** Reads, changes and writes as one; a throwing `change` writes nothing. Throws `session.unknown`. */
  update(id: SessionId, change: (record: SessionRecord) => SessionRecord): Promise<SessionRecord>;
  /** Oldest first while they live, latest first otherwise. */
  list(query: SessionQuery): Promise<readonly SessionRecord[]>;
  recentSeconds(count: number): Promise<readonly number[]>;
  grant(id: SessionId, userId: string): Promise<void>;
  isGranted(id: SessionId, userId: string): Promise<boolean>;
}
