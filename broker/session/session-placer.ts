import { AppError, nodeIdSchema, type Application, type Placement, type SessionId } from '@medusa/protocol';
import type { BrokerKeys } from '../identity/index.ts';
import { decide, describeQueue, toCandidates } from './session-queue.ts';
import { slotStates, waitingStates, type SessionRecord } from './session-record.ts';
import type { SessionStates, SessionStatesDeps } from './session-states.ts';

export type SessionPlacerDeps = Pick<SessionStatesDeps, 'store' | 'nodes' | 'now' | 'report'> & {
  readonly states: SessionStates;
  readonly keys: BrokerKeys;
  readonly applications: readonly Application[];
};

const studyTokenSeconds = 12 * 3_600;

/** Gives the waiting sessions their places, in the order in which they came, and starts them there. */
export class SessionPlacer {
  readonly #deps: SessionPlacerDeps;
  #placing: Promise<void> = Promise.resolve();

  constructor(deps: SessionPlacerDeps) {
    this.#deps = deps;
  }

  /** One pass over all who wait. Passes never overlap: two sessions must not be given the same slot. */
  async place(): Promise<void> {
    const pass = this.#placing.then(async () => this.#placeWaiting());
    this.#placing = pass.catch(this.#deps.report);
    return pass;
  }

  async #placeWaiting(): Promise<void> {
    const { store, nodes, states, now } = this.#deps;
    const waiting = (await store.list({ states: waitingStates })).filter(({ mode }) => mode === 'streamed');
    if (waiting.length === 0) return;
    const recentSeconds = await store.recentSeconds(20);
    let position = 0;
    for (const record of waiting) {
      const holding = await store.list({ states: slotStates });
      const candidates = toCandidates(nodes.views(), holding, ({ id }) => nodes.hasLink(id));
      const storage = nodes.storageUrl(nodeIdSchema.parse(record.storageNodeId));
      const decision = storage && decide(record, storage.baseUrl, candidates);
      if (decision?.kind === 'placed') {
        await this.#take(record, decision.placement);
        continue;
      }
      position += 1;
      const reason = decision?.reason ?? 'The storage node with the study is not connected';
      const queue = describeQueue(position, reason, { candidates, holding, recentSeconds, now: now() });
      if (!isSameQueue(record.queue, queue)) await states.attempt(record.id, { kind: 'queue', queue });
    }
  }

  async #take(record: SessionRecord, placement: Placement): Promise<void> {
    const { states } = this.#deps;
    const startMs = states.sinceRequest(record);
    // It may have been closed while it waited.
    if (record.state !== 'placing' && !(await states.attempt(record.id, { kind: 'begin-placing' }))) return;
    if (!(await states.attempt(record.id, { kind: 'place', placement }))) return;
    if (record.state === 'queued') await states.step(record, { step: 'queue', startMs: 0 });
    await states.step(record, { step: 'placement', startMs });
    states.background(this.#start(record.id));
  }

  async #start(id: SessionId): Promise<void> {
    const { states, report } = this.#deps;
    const record = await states.get(id);
    try {
      await this.#command(record);
    } catch (error) {
      if (!(error instanceof AppError)) report(error);
      const { code, message } = error instanceof AppError ? error : startFailed;
      await states.fail(id, code, message);
    }
  }

  async #command(record: SessionRecord): Promise<void> {
    const { nodes, states, keys, applications } = this.#deps;
    const { id: sessionId, nodeId, studyInstanceUID, widthPx, heightPx } = record;
    const application = applications.find(({ id }) => id === record.applicationId);
    const storage = nodes.storageUrl(nodeIdSchema.parse(record.storageNodeId));
    if (nodeId === null || !application) throw startFailed;
    if (!storage)
      throw new AppError('storage.unreachable', 'The storage node with the study is not connected');
    const claims = {
      sub: record.ownerId,
      study: studyInstanceUID,
      session: sessionId,
      permission: 'read' as const,
    };
    const studyToken = await keys.signStudyToken(claims, studyTokenSeconds);
    const startMs = states.sinceRequest(record);
    if (!(await states.attempt(sessionId, { kind: 'start', commandAtMs: startMs }))) return;
    const { baseUrl: dicomwebUrl } = storage;
    const command = { sessionId, studyInstanceUID, application, dicomwebUrl, studyToken, widthPx, heightPx };
    await nodes.command(nodeId, 'session.start', command);
    await states.step(record, { step: 'command', startMs });
  }
}

const startFailed = new AppError('session.start-failed', 'The session could not be started');

/** The estimate runs down by itself; only a real change is worth a write. */
function isSameQueue(known: SessionRecord['queue'], queue: NonNullable<SessionRecord['queue']>): boolean {
  if (known?.position !== queue.position || known.reason !== queue.reason) return false;
  if (known.etaSeconds === null || queue.etaSeconds === null) return known.etaSeconds === queue.etaSeconds;
  return Math.abs(known.etaSeconds - queue.etaSeconds) < 5;
}
