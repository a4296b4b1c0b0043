import {
  sessionViewSchema,
  type DeviceVerdict,
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
  /** What the device check found; sessions of older brokers do not say. */
  readonly deviceVerdict?: DeviceVerdict | undefined;
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

export function toSessionView(record: SessionRecord, participants: number): SessionView {
  return sessionViewSchema.parse({ ...record, participants });
}

export type SessionQuery = {
  readonly states?: readonly SessionState[];
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
