import { TypedEmitter } from '@medusa/kernel';
import {
  AppError,
  nodeIdSchema,
  participantIdSchema,
  type BrokerToNode,
  type NodeHeartbeat,
  type NodeId,
  type NodeRegistration,
  type NodeView,
  type SessionId,
  type StorageHeartbeat,
  type StorageRegistration,
} from '@medusa/protocol';
import {
  emptyEntry,
  toRecord,
  toView,
  type NodeEntry,
  type NodeLink,
  type NodeRecord,
} from './node-entry.ts';
import { transition, type NodeEvent } from './transition.ts';

export interface NodeStore {
  load(): Promise<readonly NodeRecord[]>;
  save(records: readonly NodeRecord[]): Promise<void>;
  /** For every broker to see: when these nodes were last heard, and when they registered if they just did. */
  heard(news: readonly NodeHeard[]): Promise<void>;
  /** When any broker last heard of them; without those that never were. */
  lastHeard(nodeIds: readonly NodeId[]): Promise<ReadonlyMap<NodeId, Date>>;
}

type NodeHeard = {
  readonly nodeId: NodeId;
  readonly seenAt: Date;
  readonly joined: { readonly slots: number | null } | null;
};

type NodeEvents = {
  changed: [];
  /** State changes, for the audit trail. */
  moved: [node: NodeRecord];
  registered: [registration: NodeRegistration];
  linkChanged: [nodeId: NodeId, isUp: boolean];
  lost: [nodeId: NodeId, reason: string];
  /** The process is gone for good: nothing of it can come back. */
  gone: [nodeId: NodeId, reason: string];
  /** Its registration is stored, for every broker to see. */
  joined: [nodeId: NodeId];
};

const historyLines = 50;
const missedHeartbeats = 3;
const commandTimeoutMs = 10_000;
/** Who asks in the name of the broker; no participant has this id. */
const nobody = participantIdSchema.parse('broker');

/** Who is there, what they can, whether they are still heard. Written by links and by provisioning, read by placement. */
export class NodeRegistry {
  readonly events: TypedEmitter<NodeEvents>;
  readonly heartbeatMs: number;
  readonly #nodes = new Map<NodeId, NodeEntry>();
  readonly #store: NodeStore;
  readonly #now: () => Date;
  readonly #report: (error: unknown) => void;
  /** Heard since the last sweep; written down together. */
  readonly #heardSince = new Map<NodeId, Date>();
  /** To be written down: the latest of each node. */
  readonly #unsaved = new Map<NodeId, NodeRecord>();
  readonly #unheard = new Map<NodeId, NodeHeard>();
  #saving: Promise<void> = Promise.resolve();

  constructor(
    store: NodeStore,
    options: { heartbeatMs: number; now: () => Date; report: (error: unknown) => void },
  ) {
    this.#store = store;
    this.heartbeatMs = options.heartbeatMs;
    this.#now = options.now;
    this.#report = options.report;
    this.events = new TypedEmitter(options.report);
  }

  /** What the broker knew before it was restarted; each node has to show itself again. */
  async load(): Promise<void> {
    for (const record of await this.#store.load()) {
      this.#nodes.set(record.id, { ...emptyEntry(record.id, record.kind), ...record });
      this.apply(record.id, 'restart-broker', 'The broker was restarted');
    }
  }

  /** Resolves when every state change so far is stored. */
  async settled(): Promise<void> {
    await this.#saving;
  }

  views(): NodeView[] {
    return Array.from(this.#nodes.values(), toView);
  }

  view(nodeId: NodeId): NodeView | undefined {
    const entry = this.#nodes.get(nodeId);
    return entry && toView(entry);
  }

  hasLink(nodeId: NodeId): boolean {
    return (this.#nodes.get(nodeId)?.link ?? null) !== null;
  }

  /** A machine is to become this node. */
  expect(nodeId: NodeId, { kind, provider }: Pick<NodeRecord, 'kind' | 'provider'>): void {
    Object.assign(this.#entry(nodeId, kind), { kind, provider });
  }

  /** It may have sessions again. */
  undrain(nodeId: NodeId): void {
    const entry = this.#nodes.get(nodeId);
    if (entry) this.apply(nodeId, entry.link ? 'undrain-linked' : 'undrain-unlinked', 'Not drained any more');
  }

  /** The only way by which a node's state changes. Creates the node when it is new; an event that does not fit changes nothing. */
  apply(nodeId: NodeId, event: NodeEvent, reason: string): void {
    const entry = this.#entry(nodeId, 'render');
    const state = transition(entry.state, event);
    if (typeof state === 'object') return;
    if (entry.state === state && entry.reason === reason) return;
    const line = { at: this.#now().toISOString(), state, reason };
    Object.assign(entry, { state, reason, history: [...entry.history, line].slice(-historyLines) });
    const record = toRecord(entry);
    this.#unsaved.set(nodeId, record);
    this.#save();
    this.events.emit('moved', record);
    this.events.emit('changed');
  }

  register(registration: NodeRegistration, link: NodeLink): void {
    const entry = this.#join(registration.nodeId, 'render', link);
    Object.assign(entry, {
      provider: entry.provider === '' ? 'fixed' : entry.provider,
      zone: registration.zone,
      version: registration.version,
      capabilities: registration.capabilities,
      sessions: registration.sessions.length,
    });
    this.#registered(entry, registration.capabilities.slots);
    this.events.emit('registered', registration);
  }

  registerStorage(registration: StorageRegistration, link: NodeLink): void {
    const entry = this.#join(registration.nodeId, 'storage', link);
    const { version, baseUrl, indexId, aeTitle, dicomPort, zone, peers = [] } = registration;
    const counts = { associations: 0, studies: 0, instances: 0, conflicts: 0, freeBytes: null };
    const storage = { ...counts, ...entry.storage, aeTitle, dicomPort };
    const provider = entry.provider === '' ? 'fixed' : entry.provider;
    Object.assign(entry, { provider, version, baseUrl, indexId, storage, zone, peers });
    this.#registered(entry, null);
  }

  heartbeat(nodeId: NodeId, { load1, sessions }: NodeHeartbeat): void {
    this.#heard(nodeId, { load1, sessions: sessions.length });
  }

  storageHeartbeat(nodeId: NodeId, heartbeat: StorageHeartbeat): void {
    const storage = this.#nodes.get(nodeId)?.storage;
    const { freeBytes, associations, studies, instances, conflicts, quarantined } = heartbeat;
    const counts = { freeBytes, associations, studies, instances, conflicts, quarantined };
    if (storage) this.#heard(nodeId, { storage: { ...storage, ...counts } });
  }

  /** The link is gone. The picture may well go on: only missed heartbeats make the node lost. */
  disconnected(nodeId: NodeId, link: NodeLink): void {
    const entry = this.#nodes.get(nodeId);
    if (entry?.link !== link) return;
    entry.link = null;
    entry.linkGoneAt = this.#now();
    this.events.emit('linkChanged', nodeId, false);
    this.events.emit('changed');
  }

  /** Ends the link of a node that does not answer any more: it may come again by another one. */
  cut(nodeId: NodeId): void {
    const link = this.#nodes.get(nodeId)?.link;
    if (!link) return;
    link.close();
    this.disconnected(nodeId, link);
  }

  /** It is about to end: nothing new begins there. */
  noteEnding(nodeId: NodeId): void {
    const entry = this.#nodes.get(nodeId);
    if (entry) entry.isEnding = true;
  }

  /** It can be told to start something. */
  takesSessions(nodeId: NodeId): boolean {
    return this.hasLink(nodeId) && this.#nodes.get(nodeId)?.isEnding !== true;
  }

  /** When its link to this broker went, if it has none here now. */
  linkGoneAt(nodeId: NodeId): Date | null {
    return this.#nodes.get(nodeId)?.linkGoneAt ?? null;
  }

  /** By any broker. */
  async lastHeard(nodeIds: readonly NodeId[]): Promise<ReadonlyMap<NodeId, Date>> {
    return this.#store.lastHeard(nodeIds);
  }

  /** Asks a node; `node.unreachable` when it has no link or does not answer in time. */
  async command<Name extends keyof BrokerToNode>(
    nodeId: NodeId,
    name: Name,
    payload: Parameters<BrokerToNode[Name]>[0],
  ): Promise<unknown> {
    const link = this.#nodes.get(nodeId)?.link;
    if (!link) throw new AppError('node.unreachable', `Render node ${nodeId} has no link to the broker`);
    return link.request(name, payload, AbortSignal.timeout(commandTimeoutMs));
  }

  /** Whether a node with a link answers soon, whatever it says. */
  async answers(nodeId: NodeId, sessionId: SessionId, withinMs: number): Promise<boolean> {
    const link = this.#nodes.get(nodeId)?.link;
    const request = { sessionId, participantId: nobody, request: { kind: 'capabilities' } as const };
    try {
      await link?.request('stream.request', request, AbortSignal.timeout(withinMs));
      return link !== undefined && link !== null;
    } catch (error) {
      // A refusal is an answer too.
      return error instanceof AppError && error.code !== 'node.unreachable';
    }
  }

  /** Where a storage node serves DICOMweb, when it is connected; or else one that has the same objects. */
  storageUrl(nodeId?: NodeId): { nodeId: NodeId; baseUrl: string } | undefined {
    const serving = [...this.#nodes.values()].flatMap(({ id, kind, baseUrl, link, peers }) =>
      kind === 'storage' && baseUrl !== null && link !== null ? [{ nodeId: id, baseUrl, peers }] : [],
    );
    const found =
      serving.find((node) => nodeId === undefined || node.nodeId === nodeId) ??
      serving.find(({ peers }) => nodeId !== undefined && peers.includes(nodeId));
    return found && { nodeId: found.nodeId, baseUrl: found.baseUrl };
  }

  /** The index that a connected storage node told of. */
  indexId(nodeId: NodeId): string {
    const indexId = this.#nodes.get(nodeId)?.indexId;
    if (!indexId) throw new AppError('node.unknown', 'The storage node has not registered');
    return indexId;
  }

  /** Called regularly: a node not heard for three heartbeats is lost. */
  sweep(): void {
    this.#writeHeard();
    const overdue = this.#now().getTime() - missedHeartbeats * this.heartbeatMs;
    for (const entry of this.#nodes.values()) {
      const isSilent = entry.lastSeenAt !== null && entry.lastSeenAt.getTime() < overdue;
      if (entry.state !== 'ready' || !isSilent) continue;
      const reason = `No heartbeat for ${(missedHeartbeats * this.heartbeatMs) / 1000} s`;
      this.apply(entry.id, 'fall-silent', reason);
      this.events.emit('lost', entry.id, reason);
    }
  }

  /** The infrastructure says that the node's process does not exist any more. */
  processGone(nodeId: NodeId, reason: string): void {
    const entry = this.#entry(nodeId, 'render');
    entry.link?.close();
    entry.link = null;
    this.apply(nodeId, 'go', reason);
    this.events.emit('gone', nodeId, reason);
  }

  #registered(entry: NodeEntry, slots: number | null): void {
    this.apply(entry.id, 'register', 'Registered');
    this.#unheard.set(entry.id, { nodeId: entry.id, seenAt: this.#now(), joined: { slots } });
    this.#save();
  }

  #writeHeard(): void {
    for (const [nodeId, seenAt] of this.#heardSince) {
      const { joined } = this.#unheard.get(nodeId) ?? { joined: null };
      this.#unheard.set(nodeId, { nodeId, seenAt, joined });
    }
    this.#heardSince.clear();
    this.#save();
  }

  /**
   * In order, so that an older state does not overwrite a newer one: one write at a time, and what comes meanwhile is written together
   * after it.
   */
  #save(): void {
    this.#saving = this.#saving.then(async () => this.#saveAll()).catch(this.#report);
  }

  async #saveAll(): Promise<void> {
    const [records, news] = [[...this.#unsaved.values()], [...this.#unheard.values()]];
    this.#unsaved.clear();
    this.#unheard.clear();
    if (records.length > 0) await this.#store.save(records);
    if (news.length > 0) await this.#store.heard(news);
    for (const { nodeId, joined } of news) if (joined) this.events.emit('joined', nodeId);
  }

  #join(nodeId: NodeId, kind: NodeRecord['kind'], link: NodeLink): NodeEntry {
    const entry = this.#entry(nodeId, kind);
    const previous = entry.link;
    entry.link = link;
    Object.assign(entry, { linkGoneAt: null, isEnding: false });
    entry.lastSeenAt = this.#now();
    if (previous && previous !== link) previous.close();
    this.events.emit('linkChanged', nodeId, true);
    return entry;
  }

  #heard(nodeId: NodeId, news: Partial<NodeEntry>): void {
    const entry = this.#nodes.get(nodeId);
    if (!entry) return;
    const lastSeenAt = this.#now();
    Object.assign(entry, news, { lastSeenAt });
    this.#heardSince.set(nodeId, lastSeenAt);
    if (entry.link) this.apply(nodeId, 'hear', 'Heard again');
    this.events.emit('changed');
  }

  #entry(nodeId: NodeId, kind: NodeRecord['kind']): NodeEntry {
    const entry = this.#nodes.get(nodeId) ?? emptyEntry(nodeIdSchema.parse(nodeId), kind);
    this.#nodes.set(nodeId, entry);
    return entry;
  }
}
