import { inBatches, TypedEmitter } from '@medusa/kernel';
import { AppError, type NodeId, type SessionId, type SessionStep, type SessionView } from '@medusa/protocol';
import { brokerActor, type AuditActor, type AuditTrail } from '../audit/index.ts';
import type { NodeRegistry } from '../node/index.ts';
import {
  incarnationOf,
  isLive,
  nodesOf,
  slotStates,
  toSessionView,
  type SessionRecord,
  type SessionStore,
} from './session-record.ts';
import type { StudyRead } from './study-reads.ts';
import { isRejected, transition, type SessionEvent } from './transition.ts';

export type SessionEvents = {
  changed: [record: SessionRecord];
  /** It streams now, or its node is back. */
  streaming: [record: SessionRecord];
  ended: [record: SessionRecord];
  /** What its node read of the study over its path to the storage node. */
  read: [record: SessionRecord, read: StudyRead];
};

export type SessionStatesDeps = {
  readonly store: SessionStore;
  readonly nodes: NodeRegistry;
  readonly audit: AuditTrail;
  readonly now: () => Date;
  readonly report: (error: unknown) => void;
};

/** The only way by which a session's state changes: persisted first, then acted upon, then told. */
export class SessionStates {
  readonly events: TypedEmitter<SessionEvents>;
  readonly #deps: SessionStatesDeps;
  readonly #participants = new Map<SessionId, number>();
  readonly #pending = new Set<Promise<void>>();

  constructor(deps: SessionStatesDeps) {
    this.#deps = deps;
    this.events = new TypedEmitter(deps.report);
  }

  async get(id: SessionId): Promise<SessionRecord> {
    const record = await this.#deps.store.find(id);
    if (!record) throw new AppError('session.unknown', 'There is no such session');
    return record;
  }

  /** Sessions that hold a slot of the node, or whose reading part does. */
  readonly liveOn = inBatches(async (nodeIds: readonly NodeId[]) => {
    const live = await this.#deps.store.list({ states: slotStates, nodeIds });
    const byNode = new Map<NodeId, SessionRecord[]>();
    for (const record of live)
      for (const nodeId of nodesOf(record)) {
        const known = byNode.get(nodeId);
        if (known) known.push(record);
        else byNode.set(nodeId, [record]);
      }
    return nodeIds.map((nodeId): readonly SessionRecord[] => byNode.get(nodeId) ?? []);
  });

  view(record: SessionRecord): SessionView {
    return toSessionView(record, this.#participants.get(record.id) ?? 0);
  }

  async open(record: SessionRecord): Promise<void> {
    await this.#deps.store.insert(record);
    this.events.emit('changed', record);
  }

  async participantsChanged(id: SessionId, count: number): Promise<void> {
    if (this.#participants.get(id) === count) return;
    this.#participants.set(id, count);
    const record = await this.get(id);
    if (count > 0 && record.joinedAt === null && isLive(record)) await this.attempt(id, { kind: 'join' });
    else this.events.emit('changed', record);
  }

  async apply(id: SessionId, event: SessionEvent): Promise<SessionRecord> {
    const record = await this.#deps.store.update(id, (latest) => {
      const next = transition(latest, event, this.#deps.now());
      if (isRejected(next)) throw new RejectedEvent(next.reason);
      return next;
    });
    this.events.emit('changed', record);
    if (event.kind === 'stream') this.events.emit('streaming', record);
    if (!isLive(record)) {
      this.#participants.delete(id);
      this.events.emit('ended', record);
    }
    return record;
  }

  /** As `apply`, for events that another may have overtaken: undefined when the state does not take it any more. */
  async attempt(id: SessionId, event: SessionEvent): Promise<SessionRecord | undefined> {
    try {
      return await this.apply(id, event);
    } catch (error) {
      if (error instanceof RejectedEvent) return undefined;
      throw error;
    }
  }

  /** A bar of the waterfall, from `startMs` until now. */
  async step(record: SessionRecord, step: Omit<SessionStep, 'endMs'>): Promise<void> {
    await this.attempt(record.id, { kind: 'step', step: { ...step, endMs: this.sinceRequest(record) } });
  }

  sinceRequest({ createdAt }: SessionRecord): number {
    return this.#deps.now().getTime() - Date.parse(createdAt);
  }

  /** Ends the session for everybody. Somebody else may do so at the same moment: who comes second changes nothing. */
  async close(id: SessionId, reason: string, actor: AuditActor): Promise<SessionView> {
    const closing = await this.attempt(id, { kind: 'close', reason });
    if (!closing) return this.view(await this.get(id));
    await this.stopOnNodes(closing, reason);
    const closed = await this.closed(id, reason, actor);
    return this.view(closed ?? (await this.get(id)));
  }

  /** Its node has ended it, or never had it. */
  async closed(id: SessionId, reason: string, actor: AuditActor): Promise<SessionRecord | undefined> {
    const closed = await this.attempt(id, { kind: 'closed' });
    const fact = {
      action: 'session.closed',
      actor,
      objectType: 'session',
      objectId: id,
      detail: reason,
    } as const;
    if (closed) await this.#deps.audit.record(fact);
    return closed;
  }

  async fail(id: SessionId, code: string, detail: string): Promise<void> {
    const failed = await this.attempt(id, { kind: 'fail', code, detail });
    if (!failed) return;
    await this.#deps.audit.record({
      action: 'session.failed',
      outcome: 'failure',
      actor: brokerActor,
      objectType: 'session',
      objectId: id,
      detail: `${code}: ${detail}`,
    });
    await this.stopOnNodes(failed, 'The session failed');
  }

  /** Work that nobody awaits: its failure is reported. */
  background(work: Promise<void>): void {
    const reported = work.catch(this.#deps.report).finally(() => void this.#pending.delete(reported));
    this.#pending.add(reported);
  }

  /** Resolves when nothing is under way that nobody awaits. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** This life of it, and those before. */
  async stopOnNodes(record: SessionRecord, reason: string): Promise<void> {
    if (record.commandAtMs === null) return;
    await Promise.all(nodesOf(record).map(async (nodeId) => this.#stopOnNode(record, nodeId, reason)));
  }

  async #stopOnNode(record: SessionRecord, nodeId: NodeId, reason: string): Promise<void> {
    if (!this.#deps.nodes.hasLink(nodeId)) return;
    const stop = { sessionId: record.id, reason: reason.slice(0, 200), incarnation: incarnationOf(record) };
    try {
      await this.#deps.nodes.command(nodeId, 'session.stop', stop);
    } catch (error) {
      // It is told again when it registers: a session that the broker has closed is stopped then.
      this.#deps.report(error);
    }
  }
}

/** The state does not take the event; to a caller outside the session is closed to it. */
class RejectedEvent extends AppError {
  constructor(reason: string) {
    super('session.closed', reason);
  }
}
