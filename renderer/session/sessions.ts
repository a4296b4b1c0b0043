import path from 'node:path';
import { TypedEmitter } from '@medusa/kernel';
import {
  AppError,
  nodeEndingCode,
  type NodeSessionEvent,
  type NodeViewTold,
  type SessionId,
  type StartSession,
} from '@medusa/protocol';
import type { RunningSession } from './running-session.ts';
import { Session, type SessionDeps } from './session.ts';
import { type ViewingDeps, ViewingSession } from './viewing-session.ts';

export type SessionsOptions = {
  readonly slots: number;
  /** A private folder of this run of the agent, with a short path: sockets lie in it. */
  readonly runFolder: string;
};

/** The sessions of this node. Closes them all when it is closed. */
export class Sessions implements AsyncDisposable {
  readonly events: TypedEmitter<{ told: [event: NodeSessionEvent]; view: [told: NodeViewTold] }>;
  readonly #options: SessionsOptions;
  readonly #deps: SessionDeps & ViewingDeps;
  readonly #sessions = new Map<SessionId, RunningSession>();
  /** Former lives that are being torn down. */
  readonly #replaced = new Set<RunningSession>();
  #made = 0;
  #isClosed = false;

  constructor(options: SessionsOptions, deps: SessionDeps & ViewingDeps) {
    this.#options = options;
    this.#deps = deps;
    this.events = new TypedEmitter((error) => deps.log.error({ err: error }, 'a listener failed'));
  }

  all(): RunningSession[] {
    return [...this.#sessions.values()];
  }

  find(sessionId: SessionId): RunningSession {
    const session = this.#sessions.get(sessionId);
    if (!session) throw new AppError('session.unknown', 'This node runs no such session');
    return session;
  }

  /** Idempotent on the session's id and incarnation; a later life takes the place of the one that runs here. */
  start(request: StartSession): void {
    if (this.#isClosed) throw new AppError('session.no-capacity', 'This node is shutting down');
    const running = this.#sessions.get(request.sessionId);
    if (running && !this.#givesWay(running, request)) return;
    if (this.#sessions.size >= this.#options.slots)
      throw new AppError('session.no-capacity', 'All slots of this node are taken');
    this.#keep(
      request.part?.role === 'viewer'
        ? new ViewingSession(request, request.part, this.#deps)
        : this.#make(request),
    );
  }

  /** Stopping what does not run is no error: it is what was asked for. */
  async stop(sessionId: SessionId, reason: string, upTo = Infinity): Promise<void> {
    const running = this.#sessions.get(sessionId);
    if (running && running.incarnation <= upTo) await running.close(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const ending = [...this.all(), ...this.#replaced];
    await Promise.all(ending.map(async (session) => session.close('The render node is shutting down')));
  }

  /** False: what is asked for runs already. */
  #givesWay(running: RunningSession, { incarnation = 1, studyToken }: StartSession): boolean {
    if (running.incarnation > incarnation)
      throw new AppError('session.closed', 'A later life of this session runs here');
    if (running.incarnation < incarnation) {
      this.#letGo(running);
      return true;
    }
    running.renewStudyToken(studyToken);
    return false;
  }

  #make(request: StartSession): Session {
    this.#made += 1;
    const folder = path.join(this.#options.runFolder, `${this.#made}`);
    const controlGroup = `${path.basename(this.#options.runFolder)}-${this.#made}`;
    return new Session(request, { folder, controlGroup }, this.#deps);
  }

  #keep(session: RunningSession): void {
    const { id: sessionId, incarnation } = session;
    this.#sessions.set(sessionId, session);
    session.events.on('told', (event) => {
      const told = this.#isClosed ? asLost(event) : event;
      this.events.emit('told', { sessionId, incarnation, event: told });
    });
    session.events.on('view', (view) => this.events.emit('view', { sessionId, incarnation, view }));
    session.events.on('closed', () => {
      this.#replaced.delete(session);
      if (this.#sessions.get(sessionId) === session) this.#sessions.delete(sessionId);
    });
  }

  /** Its place is given away already now; what it still says is of a former life, and nobody heeds it. */
  #letGo(session: RunningSession): void {
    this.#sessions.delete(session.id);
    this.#replaced.add(session);
    session
      .close('It was started anew')
      .catch((error: unknown) => this.#deps.log.error({ err: error }, 'a former life did not end'));
  }
}

/** It is the node that ends, not what somebody does in the session: that may go on elsewhere. */
function asLost(event: NodeSessionEvent['event']): NodeSessionEvent['event'] {
  return event.kind === 'closed' ? { kind: 'failed', code: nodeEndingCode, detail: event.reason } : event;
}
