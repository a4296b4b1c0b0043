import { randomUUID } from 'node:crypto';
import type { TypedEmitter } from '@medusa/kernel';
import {
  AppError,
  sessionIdSchema,
  type Application,
  type LaunchRequest,
  type LaunchResponse,
  type NodeId,
  type NodeSessionEvent,
  type NodeViewTold,
  type ParticipantId,
  type PathAnswer,
  type PathReport,
  type SessionId,
  type SessionView,
  type StudySummary,
} from '@medusa/protocol';
import { brokerActor, type AuditActor } from '../audit/index.ts';
import type { SlotStore } from '../capacity/index.ts';
import { hasAnyRole, type BrokerKeys, type User } from '../identity/index.ts';
import { studyTitle, type StudyIndex } from '../study/index.ts';
import { followNodes, heedNode } from './node-sessions.ts';
import { findOverdue, silenceMs } from './overdue.ts';
import { Recovery } from './recovery.ts';
import { SessionPlacer, type SessionPlacerDeps } from './session-placer.ts';
import { liveStates, slotStates, type SessionRecord } from './session-record.ts';
import type { StorageRoutes } from './storage-routes.ts';
import { SessionStates, type SessionEvents, type SessionStatesDeps } from './session-states.ts';
import type { SessionViews } from './session-views.ts';

type SessionsDeps = SessionStatesDeps & {
  readonly studies: StudyIndex;
  readonly keys: BrokerKeys;
  readonly applications: readonly Application[];
  readonly storageRoutes: StorageRoutes;
  readonly slots: SlotStore;
  readonly views: SessionViews;
  readonly links: SessionPlacerDeps['links'];
  readonly reserving: SessionPlacerDeps['reserving'];
  /** How long a started session waits for its owner. */
  readonly joinSeconds: number;
};

const localTokenSeconds = 8 * 3_600;
/** From claiming a slot to the session's own record of it: longer only when the broker in between is gone. */
const strayMs = 30_000;

/** The use cases around sessions: launch, read, close, and what time brings. */
export class Sessions {
  readonly #deps: SessionsDeps;
  readonly #states: SessionStates;
  readonly #placer: SessionPlacer;
  readonly #recovery: Recovery;
  readonly #unreachableSince = new Map<NodeId, number>();

  constructor(deps: SessionsDeps) {
    this.#deps = deps;
    const states = new SessionStates(deps);
    const recovery: Recovery = new Recovery({ ...deps, states, place: async () => placer.place() });
    const placer: SessionPlacer = new SessionPlacer({
      ...{ ...deps, states },
      lost: async (record, reason) => recovery.lost(record, reason),
    });
    this.#states = states;
    this.#placer = placer;
    this.#recovery = recovery;
    followNodes({ ...deps, states, placer, recovery });
    states.events.on('ended', ({ id }) => states.background(this.#freeSlot(id)));
  }

  get events(): TypedEmitter<SessionEvents> {
    return this.#states.events;
  }

  /** After a restart: who waited waits again, who was closing is closed, who streams is awaited with its node. */
  async restore(): Promise<void> {
    const queue = { position: 1, etaSeconds: null, reason: 'The broker was restarted' };
    for (const { id, state, mode } of await this.#deps.store.list({ states: liveStates })) {
      if (state === 'closing') await this.#states.closed(id, 'The broker was restarted', brokerActor);
      else if (mode === 'streamed' && ['requested', 'placing', 'provisioning'].includes(state))
        await this.#queueAgain(id, queue);
    }
    await this.#deps.views.restore();
    await this.#placer.place();
  }

  async settled(): Promise<void> {
    await this.#states.settled();
    await this.#deps.views[Symbol.asyncDispose]();
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
    const record = newRecord({
      request,
      application,
      study,
      user,
      storageNodeId,
      startedAt,
      now: this.#deps.now(),
    });
    const { id, studyInstanceUID, mode } = record;
    const detail = `${mode} ${record.priority} ${application.id} study ${studyInstanceUID}`;
    const { audit } = this.#deps;
    await audit.record({ action: 'session.opened', actor, objectType: 'session', objectId: id, detail });
    await audit.recordStudyRead({ actor, studyInstanceUID, context: `session ${id}` });
    await this.#states.open(record);
    if (mode === 'local') return this.#openLocal(record, user);
    await this.#placer.place();
    return { session: this.view(await this.get(id)), local: null };
  }

  /** Ends the session for everybody. Closing it again changes nothing. */
  async close(id: SessionId, reason: string, actor: AuditActor): Promise<SessionView> {
    return this.#states.close(id, reason, actor);
  }

  async get(id: SessionId): Promise<SessionRecord> {
    return this.#states.get(id);
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

  /** Sessions that hold a slot of the node. */
  async liveOn(nodeId: NodeId): Promise<readonly SessionRecord[]> {
    return this.#states.liveOn(nodeId);
  }

  /** A participant may read the study of a session as long as the session lives. */
  async findLiveFor(user: User, studyInstanceUID: string): Promise<SessionRecord | undefined> {
    const [record] = await this.#deps.store.list({ states: liveStates, seenBy: user.id, studyInstanceUID });
    return record;
  }

  async grant(id: SessionId, userId: string): Promise<void> {
    await this.#deps.store.grant(id, userId);
  }

  /** Told by the room. */
  async participantsChanged(id: SessionId, count: number): Promise<void> {
    await this.#states.participantsChanged(id, count);
  }

  view(record: SessionRecord): SessionView {
    return this.#states.view(record);
  }

  /** What a node tells of one of its sessions. */
  async nodeTold(nodeId: NodeId, told: NodeSessionEvent): Promise<void> {
    const { nodes } = this.#deps;
    await heedNode({ nodes, states: this.#states, recovery: this.#recovery }, nodeId, told);
  }

  /** What one of a node's sessions shows now. */
  viewTold(nodeId: NodeId, { sessionId, incarnation = 1, view }: NodeViewTold): void {
    this.#deps.views.told({ sessionId, incarnation, nodeId, view });
  }

  /** Whether a viewer still gets its picture. */
  async pathTold(
    id: SessionId,
    viewer: { readonly participantId: ParticipantId; readonly holdsFloor: boolean },
    report: PathReport,
  ): Promise<PathAnswer> {
    return this.#recovery.pathTold(id, viewer, report);
  }

  /** Called regularly: gives up what nobody waits for any more, and tries the queue again. */
  async sweep(): Promise<void> {
    const nowMs = this.#deps.now().getTime();
    const limits = { nowMs, joinMs: this.#deps.joinSeconds * 1000, localMs: localTokenSeconds * 1000 };
    const records = await this.#deps.store.list({ states: slotStates });
    const silence = await this.#silences(records, nowMs);
    for (const record of records) {
      const unreachableMs = silence.get(record.nodeId) ?? 0;
      const verdict = findOverdue(record, {
        ...{ ...limits, unreachableMs, isSeen: this.#recovery.isSeen(record.id) },
      });
      if (verdict?.kind === 'close') await this.close(record.id, verdict.reason, brokerActor);
      if (verdict?.kind === 'fail') await this.#states.fail(record.id, verdict.code, verdict.reason);
      if (verdict?.kind === 'lose') await this.#recovery.lost(record, verdict.reason);
    }
    await this.#deps.slots.reclaim(strayMs);
    await this.#placer.place();
  }

  async #freeSlot(id: SessionId): Promise<void> {
    await this.#deps.slots.release(id);
    await this.#placer.place();
  }

  async #queueAgain(id: SessionId, queue: NonNullable<SessionRecord['queue']>): Promise<void> {
    if (await this.#states.attempt(id, { kind: 'queue-again', queue })) await this.#deps.slots.release(id);
  }

  /** Of the nodes that have no link here. */
  async #silences(
    records: readonly SessionRecord[],
    nowMs: number,
  ): Promise<ReadonlyMap<NodeId | null, number>> {
    const { nodes } = this.#deps;
    const ids = new Set(records.flatMap(({ nodeId }) => nodeId ?? []));
    const away = [...ids].filter((nodeId) => !nodes.hasLink(nodeId));
    for (const nodeId of this.#unreachableSince.keys())
      if (!away.includes(nodeId)) this.#unreachableSince.delete(nodeId);
    if (away.length === 0) return new Map();
    const heard = await nodes.lastHeard(away);
    return new Map(
      away.map((nodeId) => {
        const awaySinceMs = this.#unreachableSince.get(nodeId) ?? nowMs;
        this.#unreachableSince.set(nodeId, awaySinceMs);
        return [nodeId, silenceMs(nowMs, { awaySinceMs, heardMs: heard.get(nodeId)?.getTime() ?? null })];
      }),
    );
  }

  #applicationFor({ applicationId, mode }: LaunchRequest): Application {
    const application = this.#deps.applications.find(({ id }) => id === applicationId);
    if (!application) throw new AppError('application.unknown', 'There is no such application');
    if (application.modes.includes(mode)) return application;
    throw new AppError('request.invalid', `${application.name} has no ${mode} mode`, {
      errors: [{ pointer: '/mode', message: `one of ${application.modes.join(', ')}` }],
    });
  }

  async #openLocal(record: SessionRecord, user: User): Promise<LaunchResponse> {
    const claims = {
      sub: user.id,
      study: record.studyInstanceUID,
      session: record.id,
      permission: 'read' as const,
    };
    const studyToken = await this.#deps.keys.signStudyToken(claims, localTokenSeconds);
    const open = await this.#states.apply(record.id, { kind: 'stream' });
    const expiresAt = new Date(this.#deps.now().getTime() + localTokenSeconds * 1000).toISOString();
    return { session: this.view(open), local: { studyToken, expiresAt, dicomwebUrl: '/dicomweb' } };
  }
}

function newRecord(facts: {
  readonly request: LaunchRequest;
  readonly application: Application;
  readonly study: StudySummary;
  readonly user: User;
  readonly storageNodeId: NodeId;
  readonly startedAt: Date;
  readonly now: Date;
}): SessionRecord {
  const { request, application, study, user, storageNodeId, startedAt, now } = facts;
  return {
    id: sessionIdSchema.parse(randomUUID()),
    state: 'requested',
    mode: request.mode,
    priority: request.priority ?? 'routine',
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
    steps: [{ step: 'policy', startMs: 0, endMs: now.getTime() - startedAt.getTime() }],
    createdAt: startedAt.toISOString(),
    streamingAt: null,
    closedAt: null,
    closeReason: null,
    widthPx: request.widthPx,
    heightPx: request.heightPx,
    storageNodeId,
    commandAtMs: null,
    joinedAt: null,
    deviceVerdict: request.device?.verdict,
    lanMbps: request.device?.throughputMbps ?? undefined,
    studySize:
      study.storedBytes === undefined
        ? undefined
        : { bytes: study.storedBytes, instances: study.numberOfStudyRelatedInstances },
  };
}
