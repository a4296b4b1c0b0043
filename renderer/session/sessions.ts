import path from 'node:path';
import { TypedEmitter } from '@medusa/kernel';
import { AppError, type NodeSessionEvent, type SessionId, type StartSession } from '@medusa/protocol';
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
  readonly events: TypedEmitter<{ told: [event: NodeSessionEvent] }>;
  readonly #options: SessionsOptions;
  readonly #deps: SessionDeps & ViewingDeps;
  readonly #sessions = new Map<SessionId, RunningSession>();
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

  /** Idempotent on the session's id. */
  start(request: StartSession): void {
    if (this.#isClosed) throw new AppError('session.no-capacity', 'This node is shutting down');
    const running = this.#sessions.get(request.sessionId);
    if (running) {
      running.renewStudyToken(request.studyToken);
      return;
    }
    if (this.#sessions.size >= this.#options.slots)
      throw new AppError('session.no-capacity', 'All slots of this node are taken');
    this.#keep(
      request.part?.role === 'viewer'
        ? new ViewingSession(request.sessionId, request.part, this.#deps)
        : this.#make(request),
    );
  }

  /** Stopping what does not run is no error: it is what was asked for. */
  async stop(sessionId: SessionId, reason: string): Promise<void> {
    await this.#sessions.get(sessionId)?.close(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.all().map(async (session) => session.close('The render node is shutting down')));
  }

  #make(request: StartSession): Session {
    this.#made += 1;
    const folder = path.join(this.#options.runFolder, `${this.#made}`);
    const controlGroup = `${path.basename(this.#options.runFolder)}-${this.#made}`;
    return new Session(request, { folder, controlGroup }, this.#deps);
  }

  #keep(session: RunningSession): void {
    this.#sessions.set(session.id, session);
    session.events.on('told', (event) => this.events.emit('told', { sessionId: session.id, event }));
    session.events.on('closed', () => this.#sessions.delete(session.id));
  }
}
