import type { BrokerToNode, NodeId, NodeView } from '@medusa/protocol';

/** The link of one node: asks it for something and waits for its word. Throws `node.unreachable` when none comes. */
export interface NodeLink {
  request<Name extends keyof BrokerToNode>(
    name: Name,
    payload: Parameters<BrokerToNode[Name]>[0],
    signal: AbortSignal,
  ): Promise<unknown>;
  close(): void;
}

/** What outlives the broker: who the node is and what became of it. */
export type NodeRecord = Pick<NodeView, 'id' | 'kind' | 'provider' | 'state' | 'reason' | 'history'>;

/** What a broker knows of a node, besides what outlives it. */
export type NodeEntry = NodeRecord & {
  zone: NodeView['zone'];
  version: string | null;
  capabilities: NodeView['capabilities'];
  storage: NodeView['storage'];
  /** Of a storage node: those that have the same objects. */
  peers: readonly NodeId[];
  load1: number | null;
  sessions: number;
  lastSeenAt: Date | null;
  baseUrl: string | null;
  indexId: string | null;
  link: NodeLink | null;
  /** When this broker saw its link go; null: it is there, or was never here. */
  linkGoneAt: Date | null;
  /** It has said that it ends; its successor registers anew. */
  isEnding: boolean;
};

/** Nodes of one zone share their paths. */
export function zoneOf({ zone, provider }: Pick<NodeView, 'zone' | 'provider'>): string {
  return zone ?? provider;
}

/** One that nobody has heard of yet. */
export function emptyEntry(id: NodeId, kind: NodeRecord['kind']): NodeEntry {
  return {
    id,
    kind,
    provider: '',
    state: 'absent',
    reason: '',
    history: [],
    zone: undefined,
    version: null,
    capabilities: null,
    storage: null,
    peers: [],
    load1: null,
    sessions: 0,
    lastSeenAt: null,
    baseUrl: null,
    indexId: null,
    link: null,
    linkGoneAt: null,
    isEnding: false,
  };
}

export function toRecord({ id, kind, provider, state, reason, history }: NodeEntry): NodeRecord {
  return { id, kind, provider, state, reason, history };
}

export function toView(entry: NodeEntry): NodeView {
  const { version, capabilities, storage, load1, sessions, lastSeenAt, zone } = entry;
  return {
    ...toRecord(entry),
    ...(zone !== undefined && { zone }),
    version,
    capabilities,
    storage,
    load1,
    sessions,
    lastSeenAt: lastSeenAt?.toISOString() ?? null,
  };
}
