import { randomUUID } from 'node:crypto';
import { TypedEmitter } from '@medusa/kernel';
import {
  AppError,
  sessionIdSchema,
  type Application,
  type LaunchRequest,
  type LaunchResponse,
  type NodeId,
  type NodeRegistration,
  type NodeSessionEvent,
  type SessionId,
  type SessionView,
} from '@medusa/protocol';
import { brokerActor, type AuditActor, type AuditTrail } from '../audit/index.ts';
import { hasAnyRole, type BrokerKeys, type User } from '../identity/index.ts';
import type { NodeRegistry } from '../node/index.ts';
import { studyTitle, type StudyIndex } from '../study/index.ts';
import { decide, describeQueue, toCandidates } from './session-queue.ts';
import {
  isLive,
  liveStates,
  slotStates,
  toSessionView,
  waitingStates,
  type SessionRecord,
  type SessionStore,
} from './session-record.ts';
import { isRejected, transition, type SessionEvent } from './transition.ts';

type SessionsDeps = {
  readonly store: SessionStore;
  readonly nodes: NodeRegistry;
  readonly studies: StudyIndex;
  readonly audit: AuditTrail;
  readonly keys: BrokerKeys;
  readonly applications: readonly Application[];
  readonly now: () => Date;
  readonly report: (error: unknown) => void;
  /** How long a started session waits for its owner. */
  readonly joinSeconds: number;
};

type SessionEvents = {
  changed: [record: SessionRecord];
  /** It streams now, or its node is back. */
  streaming: [record: SessionRecord];
  ended: [record: SessionRecord];
};

const studyTokenSeconds = 12 * 3_600;
const localTokenSeconds = 8 * 3_600;
const startLimitMs = 120_000;
/** How long the sessions of a silent node are kept before they are given up. */
const unreachableLimitMs = 60_000;

/** What a session is and becomes: launch, queue, adopt, close. Persists, then acts, then tells. */
export class Sessions {
  readonly events: TypedEmitter<SessionEvents>;
  readonly #deps: SessionsDeps;
  readonly #participants = new Map<SessionId, number>();
  readonly #unreachableSince = new Map<NodeId, number>();
  readonly #pending = new Set<Promise<void>>();
  #pumping: Promise<void> = Promise.resolve();

  constructor(deps: SessionsDeps) {
    this.#deps = deps;
    this.events = new TypedEmitter(deps.report);
    deps.nodes.events.on('registered', (registration) => this.#background(this.#adopt(registration)));
    deps.nodes.events.on('gone', (nodeId, reason) => this.#background(this.#failAllOn(nodeId, reason)));
    deps.nodes.events.on('lost', (nodeId) => this.#background(this.#suspendAllOn(nodeId)));
  }

  /** After a restart: who waited waits again, who was closing is closed, who streams is awaited with its node. */
  async restore(): Promise<void> {
    const queue = { position: 1, etaSeconds: null, reason: 'The broker was restarted' };
    for (const record of await this.#deps.store.list({ states: liveStates })) {
      if (record.state === 'closing') await this.#apply(record.id, { kind: 'closed' });
      else if (record.mode === 'streamed' && isBeforeCommand(record))
        await this.#apply(record.id, { kind: 'queue', queue });
    }
    await this.#pump();
  }

  /** Resolves when nothing is under way that nobody awaits. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  async launch(request: LaunchRequest, user: User, actor: AuditActor): Promise<LaunchResponse> {
    const startedAt = this.#deps.now();
    const application = this.#applicationFor(request);
    if (request.device?.verdict === 'refused')
      throw new AppError(
        'device.refused',
        'The device check found that this device cannot show a study safely',
      );
    const { study, nodeId: storageNodeId } = await this.#deps.studies.get(request.studyInstanceUID);
    const record: SessionRecord = {
      id: sessionIdSchema.parse(randomUUID()),
      state: 'requested',
      mode: request.mode,
      applicationId: application.id,
      applicationName: application.name,
      studyInstanceUID: study.studyInstanceUID,
      studyTitle: studyTitle(study),
      ownerId: user.id,
      ownerName: user.name,
      nodeId: null,
      placement: null,
      queue: null,
      failure: null,
      steps: [{ step: 'policy', startMs: 0, endMs: this.#deps.now().getTime() - startedAt.getTime() }],
      createdAt: startedAt.toISOString(),
      streamingAt: null,
      closedAt: null,
      closeReason: null,
      widthPx: request.widthPx,
      heightPx: request.heightPx,
      storageNodeId,
      commandAtMs: null,
      joinedAt: null,
    };
    await this.#deps.audit.record({
      action: 'session.opened',
      actor,
      objectType: 'session',
      objectId: record.id,
      detail: `${record.mode} ${application.id} study ${record.studyInstanceUID}`,
    });
    const { studyInstanceUID } = record;
    await this.#deps.audit.recordStudyRead({ actor, studyInstanceUID, context: `session ${record.id}` });
    await this.#deps.store.insert(record);
    this.events.emit('changed', record);
    return record.mode === 'local' ? this.#openLocal(record, user) : this.#openStreamed(record);
  }

  /** Ends the session for everybody. Closing it again changes nothing. */
  async close(id: SessionId, reason: string, actor: AuditActor): Promise<SessionView> {
    const found = await this.get(id);
    if (!isLive(found) || found.state === 'closing') return this.view(found);
    // Somebody else may close it at the same moment: who comes second changes nothing.
    const closing = await this.#attempt(id, { kind: 'close', reason });
    if (!closing) return this.view(await this.get(id));
    await this.#stopOnNode(closing, reason);
    const closed = await this.#attempt(id, { kind: 'closed' });
    if (closed) await this.#audit('session.closed', closed, reason, actor);
    return this.view(closed ?? (await this.get(id)));
  }

  async get(id: SessionId): Promise<SessionRecord> {
    const record = await this.#deps.store.find(id);
    if (!record) throw new AppError('session.unknown', 'There is no such session');
    return record;
  }

  /** The session, for its owner, those invited, and administrators; to all others it does not exist. */
  async getFor(id: SessionId, user: User): Promise<SessionRecord> {
    const record = await this.get(id);
    if (hasAnyRole(user, ['admin']) || (await this.isMember(record, user))) return record;
    throw new AppError('session.unknown', 'There is no such session');
  }

  async isMember(record: SessionRecord, user: User): Promise<boolean> {
    return record.ownerId === user.id || (await this.#deps.store.isGranted(record.id, user.id));
  }

  async listFor(user: User): Promise<SessionView[]> {
    const scope = hasAnyRole(user, ['admin']) ? {} : { seenBy: user.id };
    const records = await this.#deps.store.list({ ...scope, limit: 200 });
    return records.map((record) => this.view(record));
  }

  async listLive(): Promise<SessionView[]> {
    const records = await this.#deps.store.list({ states: liveStates });
    return records.map((record) => this.view(record));
  }

  /** A participant may read the study of a session as long as the session lives. */
  async findLiveFor(user: User, studyInstanceUID: string): Promise<SessionRecord | undefined> {
    const [record] = await this.#deps.store.list({ states: liveStates, seenBy: user.id, studyInstanceUID });
    return record;
  }

  async grant(id: SessionId, userId: string): Promise<void> {
    await this.#deps.store.grant(id, userId);
  }

  /** Users besides the owner who may see the session. */
  async granted(id: SessionId): Promise<readonly string[]> {
    return this.#deps.store.granted(id);
  }

  /** Told by the room. */
  async participantsChanged(id: SessionId, count: number): Promise<void> {
    if (this.#participants.get(id) === count) return;
    this.#participants.set(id, count);
    const record = await this.get(id);
    if (count > 0 && record.joinedAt === null && isLive(record)) await this.#apply(id, { kind: 'join' });
    else this.events.emit('changed', record);
  }

  view(record: SessionRecord): SessionView {
    return toSessionView(record, this.#participants.get(record.id) ?? 0);
  }

  /** What a node tells of one of its sessions. Words about sessions of others are refused. */
  async nodeTold(nodeId: NodeId, { sessionId, event }: NodeSessionEvent): Promise<void> {
    const record = await this.get(sessionId);
    if (record.nodeId !== nodeId) throw new AppError('session.unknown', 'This session is not of this node');
    if (!isLive(record)) return;
    switch (event.kind) {
      case 'step': {
        const offset = record.commandAtMs ?? 0;
        const step = { step: event.step, startMs: offset + event.startMs, endMs: offset + event.endMs };
        await this.#apply(sessionId, { kind: 'step', step });
        break;
      }
      case 'streaming':
        if (record.state !== 'streaming') await this.#apply(sessionId, { kind: 'stream' });
        break;
      case 'failed':
        await this.#fail(record, event.code, event.detail);
        break;
      case 'closed': {
        const closed = await this.#attempt(sessionId, { kind: 'closed' });
        if (closed) await this.#audit('session.closed', closed, event.reason, brokerActor);
        break;
      }
    }
  }

  /** Called regularly: gives up what nobody waits for any more, and tries the queue again. */
  async sweep(): Promise<void> {
    const now = this.#deps.now().getTime();
    for (const record of await this.#deps.store.list({ states: slotStates })) {
      const verdict = this.#overdue(record, now);
      if (verdict?.kind === 'close') await this.close(record.id, verdict.reason, brokerActor);
      if (verdict?.kind === 'fail') await this.#fail(record, verdict.code, verdict.reason);
    }
    await this.#pump();
  }

  #overdue(
    record: SessionRecord,
    now: number,
  ): { kind: 'close'; reason: string } | { kind: 'fail'; code: string; reason: string } | undefined {
    const ageMs = now - Date.parse(record.createdAt);
    if (record.mode === 'local')
      return ageMs > localTokenSeconds * 1000 ? { kind: 'close', reason: 'The time is up' } : undefined;
    if (record.nodeId !== null && this.#unreachableMs(record.nodeId, now) > unreachableLimitMs)
      return { kind: 'fail', code: 'node.unreachable', reason: 'The render node did not come back' };
    const sinceCommand = ageMs - (record.commandAtMs ?? ageMs);
    if (record.state === 'starting' && sinceCommand > startLimitMs)
      return { kind: 'fail', code: 'session.start-failed', reason: 'The application did not start in time' };
    const waitedMs = record.streamingAt === null ? 0 : now - Date.parse(record.streamingAt);
    if (record.joinedAt === null && waitedMs > this.#deps.joinSeconds * 1000)
      return { kind: 'close', reason: 'Nobody joined' };
    return undefined;
  }

  #unreachableMs(nodeId: NodeId, now: number): number {
    if (this.#deps.nodes.hasLink(nodeId)) {
      this.#unreachableSince.delete(nodeId);
      return 0;
    }
    const since = this.#unreachableSince.get(nodeId) ?? now;
    this.#unreachableSince.set(nodeId, since);
    return now - since;
  }

  #applicationFor({ applicationId, mode }: Pick<LaunchRequest, 'applicationId' | 'mode'>): Application {
    const application = this.#deps.applications.find(({ id }) => id === applicationId);
    if (!application) throw new AppError('application.unknown', 'There is no such application');
    if (!application.modes.includes(mode))
      throw new AppError('request.invalid', `${application.name} has no ${mode} mode`, {
        errors: [{ pointer: '/mode', message: `one of ${application.modes.join(', ')}` }],
      });
    return application;
  }

  async #openLocal(record: SessionRecord, user: User): Promise<LaunchResponse> {
    const claims = {
      sub: user.id,
      study: record.studyInstanceUID,
      session: record.id,
      permission: 'read' as const,
    };
    const studyToken = await this.#deps.keys.signStudyToken(claims, localTokenSeconds);
    const open = await this.#apply(record.id, { kind: 'stream' });
    const expiresAt = new Date(this.#deps.now().getTime() + localTokenSeconds * 1000).toISOString();
    return { session: this.view(open), local: { studyToken, expiresAt, dicomwebUrl: '/dicomweb' } };
  }

  async #openStreamed(record: SessionRecord): Promise<LaunchResponse> {
    await this.#pump();
    return { session: this.view(await this.get(record.id)), local: null };
  }

  /** One pass at a time over all who wait, in the order in which they came. */
  async #pump(): Promise<void> {
    const pass = this.#pumping.then(async () => this.#placeWaiting());
    this.#pumping = pass.catch(this.#deps.report);
    return pass;
  }

  async #placeWaiting(): Promise<void> {
    const { store, nodes } = this.#deps;
    const waiting = await store.list({ states: waitingStates });
    if (waiting.length === 0) return;
    const recentSeconds = await store.recentSeconds(20);
    let position = 0;
    for (const record of waiting.filter(({ mode }) => mode === 'streamed')) {
      const holding = await store.list({ states: slotStates });
      const candidates = toCandidates(nodes.views(), holding, ({ id }) => nodes.hasLink(id));
      const storage = nodes.storageUrl(record.storageNodeId as NodeId);
      const decision = storage && decide(record, storage.baseUrl, candidates);
      if (decision?.kind === 'placed') {
        await this.#place(record, decision.placement);
        continue;
      }
      position += 1;
      const reason = decision?.reason ?? 'The storage node with the study is not connected';
      const queue = describeQueue(position, reason, {
        candidates,
        holding,
        recentSeconds,
        now: this.#deps.now(),
      });
      if (!isSameQueue(record.queue, queue)) await this.#apply(record.id, { kind: 'queue', queue });
    }
  }

  async #place(record: SessionRecord, placement: NonNullable<SessionRecord['placement']>): Promise<void> {
    const waitedMs = this.#sinceRequest(record);
    if (record.state !== 'placing') await this.#apply(record.id, { kind: 'begin-placing' });
    await this.#apply(record.id, { kind: 'place', placement });
    if (record.state === 'queued') await this.#step(record, 'queue', 0, waitedMs);
    await this.#step(record, 'placement', waitedMs);
    this.#background(this.#start(record.id));
  }

  async #start(id: SessionId): Promise<void> {
    const record = await this.get(id);
    if (record.state !== 'provisioning' || record.nodeId === null) return;
    try {
      const storage = this.#deps.nodes.storageUrl(record.storageNodeId as NodeId);
      if (!storage)
        throw new AppError('storage.unreachable', 'The storage node with the study is not connected');
      const application = this.#applicationFor(record);
      const claims = {
        sub: record.ownerId,
        study: record.studyInstanceUID,
        session: id,
        permission: 'read' as const,
      };
      const studyToken = await this.#deps.keys.signStudyToken(claims, studyTokenSeconds);
      const commandAtMs = this.#sinceRequest(record);
      await this.#apply(id, { kind: 'start', commandAtMs });
      await this.#deps.nodes.command(record.nodeId, 'session.start', {
        sessionId: id,
        studyInstanceUID: record.studyInstanceUID,
        application,
        dicomwebUrl: storage.baseUrl,
        studyToken,
        widthPx: record.widthPx,
        heightPx: record.heightPx,
      });
      await this.#step(record, 'command', commandAtMs);
    } catch (error) {
      const known = error instanceof AppError ? error : undefined;
      await this.#fail(record, known?.code ?? 'session.start-failed', known?.message ?? 'The start failed');
      if (!known) this.#deps.report(error);
    }
  }

  /** A node is back: its known sessions go on, what we do not know of is stopped, what it lost has failed. */
  async #adopt({ nodeId, sessions }: NodeRegistration): Promise<void> {
    for (const { sessionId, state } of sessions) {
      const record = await this.#deps.store.find(sessionId);
      if (!record || !isLive(record) || record.nodeId !== nodeId) {
        const reason = 'The broker does not know of this session';
        await this.#deps.nodes.command(nodeId, 'session.stop', { sessionId, reason });
        continue;
      }
      if (state === 'streaming' && record.state !== 'streaming')
        await this.#apply(sessionId, { kind: 'stream' });
      else if (record.state === 'streaming') this.events.emit('streaming', record);
    }
    const reported = new Set(sessions.map(({ sessionId }) => sessionId));
    const reason = 'The render node was restarted and does not run it any more';
    for (const record of await this.liveOn(nodeId)) {
      // One that is being placed gets its command in a moment.
      if (record.state !== 'provisioning' && !reported.has(record.id))
        await this.#fail(record, 'node.unreachable', reason);
    }
    await this.#pump();
  }

  async #failAllOn(nodeId: NodeId, reason: string): Promise<void> {
    for (const record of await this.liveOn(nodeId)) await this.#fail(record, 'node.unreachable', reason);
  }

  async #suspendAllOn(nodeId: NodeId): Promise<void> {
    for (const record of await this.liveOn(nodeId))
      if (record.state === 'streaming') await this.#apply(record.id, { kind: 'suspend' });
  }

  /** Sessions that hold a slot of the node. */
  async liveOn(nodeId: NodeId): Promise<readonly SessionRecord[]> {
    return this.#deps.store.list({ states: slotStates, nodeId });
  }

  async #fail(record: SessionRecord, code: string, detail: string): Promise<void> {
    const failed = await this.#attempt(record.id, { kind: 'fail', code, detail });
    if (!failed) return;
    await this.#audit('session.failed', failed, `${code}: ${detail}`, brokerActor);
    await this.#stopOnNode(failed, 'The session failed');
  }

  async #stopOnNode({ id, nodeId, commandAtMs }: SessionRecord, reason: string): Promise<void> {
    if (nodeId === null || commandAtMs === null || !this.#deps.nodes.hasLink(nodeId)) return;
    try {
      await this.#deps.nodes.command(nodeId, 'session.stop', { sessionId: id, reason: reason.slice(0, 200) });
    } catch (error) {
      // It is told again when it registers: a session that the broker has closed is stopped then.
      this.#deps.report(error);
    }
  }

  async #step(
    record: SessionRecord,
    step: string,
    startMs: number,
    endMs = this.#sinceRequest(record),
  ): Promise<void> {
    await this.#attempt(record.id, { kind: 'step', step: { step, startMs, endMs } });
  }

  #sinceRequest({ createdAt }: SessionRecord): number {
    return this.#deps.now().getTime() - Date.parse(createdAt);
  }

  /** As `#apply`, for events that another may have overtaken: undefined when the state does not take it any more. */
  async #attempt(id: SessionId, event: SessionEvent): Promise<SessionRecord | undefined> {
    try {
      return await this.#apply(id, event);
    } catch (error) {
      if (error instanceof RejectedEvent) return undefined;
      throw error;
    }
  }

  async #apply(id: SessionId, event: SessionEvent): Promise<SessionRecord> {
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
      this.#background(this.#pump());
    }
    return record;
  }

  async #audit(
    action: 'session.closed' | 'session.failed',
    record: SessionRecord,
    detail: string,
    actor: AuditActor = brokerActor,
  ): Promise<void> {
    const outcome = action === 'session.failed' ? 'failure' : 'success';
    await this.#deps.audit.record({
      action,
      outcome,
      actor,
      objectType: 'session',
      objectId: record.id,
      detail,
    });
  }

  #background(work: Promise<void>): void {
    const reported = work.catch(this.#deps.report).finally(() => void this.#pending.delete(reported));
    this.#pending.add(reported);
  }
}

/** The state does not take the event; to a caller outside the session is closed to it. */
class RejectedEvent extends AppError {
  constructor(reason: string) {
    super('session.closed', reason);
  }
}

function isBeforeCommand({ state }: SessionRecord): boolean {
  return state === 'requested' || state === 'placing' || state === 'provisioning';
}

/** The estimate runs down by itself; only a real change is worth a write. */
function isSameQueue(known: SessionRecord['queue'], queue: NonNullable<SessionRecord['queue']>): boolean {
  if (known?.position !== queue.position || known.reason !== queue.reason) return false;
  if (known.etaSeconds === null || queue.etaSeconds === null) return known.etaSeconds === queue.etaSeconds;
  return Math.abs(known.etaSeconds - queue.etaSeconds) < 5;
}
