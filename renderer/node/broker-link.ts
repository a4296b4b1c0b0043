import { randomUUID } from 'node:crypto';
import { freemem, loadavg } from 'node:os';
import type { Logger } from 'pino';
import { io, type Socket } from 'socket.io-client';
import { z } from 'zod';
import { backoffMs, TypedEmitter } from '@medusa/kernel';
import {
  type Ack,
  ackSchema,
  AppError,
  type BrokerToNode,
  type NodeCapabilities,
  type NodeId,
  type NodeSessionEvent,
  type NodeToBroker,
  nodeWelcomeSchema,
  parseInput,
  relayedStreamRequestSchema,
  relayedTransferSchema,
  removeParticipantSchema,
  setControllerSchema,
  startSessionSchema,
  stopSessionSchema,
  toProblem,
} from '@medusa/protocol';
import type { Recordings } from '../recording/index.ts';
import type { Sessions } from '../session/index.ts';
import { Outbox } from './outbox.ts';
import { linkRecordings } from './recording-link.ts';
import { ViewTeller } from './view-teller.ts';

export type LinkOptions = {
  readonly brokerUrl: string;
  readonly token: string;
  readonly nodeId: NodeId;
  readonly version: string;
  readonly startedAt: string;
  readonly capabilities: NodeCapabilities;
  readonly zone: string | undefined;
};

type Deps = { readonly sessions: Sessions; readonly recordings: Recordings; readonly log: Logger };

const acknowledgementMs = 10_000;
const registrationSchema = ackSchema(nodeWelcomeSchema);
/** What the broker says to a machine whose place another one was invited to take. */
const refusalSchema = z.object({ data: z.object({ code: z.literal('join.refused') }) });
const deliverySchema = ackSchema(z.null());

/** The one outbound link to the broker: registers, beats, obeys, and tells what happens, across any number of breaks. */
export class BrokerLink implements Disposable {
  /** `replaced`: the broker has given this node's name to another machine. */
  readonly events: TypedEmitter<{ up: []; down: []; replaced: [] }>;
  readonly #options: LinkOptions;
  readonly #sessions: Sessions;
  readonly #log: Logger;
  readonly #socket: Socket<BrokerToNode, NodeToBroker>;
  readonly #outbox: Outbox;
  readonly #views: ViewTeller;
  readonly #recordings: ReturnType<typeof linkRecordings>;
  readonly #listening = new DisposableStack();
  #heartbeat: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #refusals = 0;

  static open(options: LinkOptions, deps: Deps): BrokerLink {
    return new BrokerLink(options, deps);
  }

  private constructor(options: LinkOptions, deps: Deps) {
    this.#options = options;
    this.#sessions = deps.sessions;
    this.#log = deps.log;
    this.events = new TypedEmitter((error) => this.#log.error({ err: error }, 'a listener failed'));
    this.#outbox = new Outbox(async (event) => this.#deliver(event));
    this.#socket = io(new URL('/node', options.brokerUrl).href, {
      auth: { token: options.token },
      transports: ['websocket'],
      reconnectionDelay: 250,
      reconnectionDelayMax: 5_000,
    });
    this.#socket.on('connect', () => void this.#register().catch((error: unknown) => this.#refused(error)));
    this.#socket.on('disconnect', (reason) => this.#down(reason));
    this.#socket.on('connect_error', (error) => {
      if (refusalSchema.safeParse(error).success) this.events.emit('replaced');
      if (!this.#socket.active) this.#refused(error);
    });
    this.#obey();
    this.#recordings = this.#listening.use(
      linkRecordings({
        ...deps,
        socket: this.#socket,
        answer: (answer, work) => this.#answer(answer, work),
      }),
    );
    this.#views = this.#listening.use(
      new ViewTeller((told) => {
        // What socket.io would keep for later is old by then.
        if (this.#socket.connected) this.#socket.emit('session.view', told);
      }),
    );
    const { events } = this.#sessions;
    this.#listening.use(events.on('view', (told) => this.#views.changed(told)));
    this.#listening.use(
      events.on('told', (event) => {
        if (event.event.kind === 'closed' || event.event.kind === 'failed')
          this.#views.forget(event.sessionId);
        void this.#outbox
          .add(event)
          .catch((error: unknown) => this.#log.debug({ err: error }, 'event waits'));
      }),
    );
  }

  [Symbol.dispose](): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#retry);
    this.#listening.dispose();
    this.#socket.disconnect();
  }

  /** Gives the last events a chance: for an orderly end. */
  async drain(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (this.#outbox.size > 0 && this.#socket.connected && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async #register(): Promise<void> {
    const { nodeId, version, startedAt, capabilities, zone } = this.#options;
    const sessions = this.#sessions.all().map((session) => session.report);
    const registration = { nodeId, version, startedAt, capabilities, zone, sessions };
    const answer: unknown = await this.#socket
      .timeout(acknowledgementMs)
      .emitWithAck('node.register', registration);
    const ack = registrationSchema.parse(answer);
    if (!ack.ok) throw new AppError(ack.problem.code, ack.problem.detail ?? ack.problem.title);
    this.#refusals = 0;
    this.#log.info({ sessions: sessions.length }, 'registered at the broker');
    clearInterval(this.#heartbeat);
    this.#beat();
    this.#heartbeat = setInterval(() => this.#beat(), ack.value.heartbeatMs);
    this.events.emit('up');
    this.#views.repeat();
    this.#recordings.repeat();
    await this.#outbox.flush();
  }

  #down(reason: string): void {
    this.#log.warn({ reason }, 'link to the broker is down');
    clearInterval(this.#heartbeat);
    this.events.emit('down');
    // socket.io does not come back by itself when the broker ended the link.
    if (!this.#socket.active && reason !== 'io client disconnect') this.#refused(undefined);
  }

  #refused(error: unknown): void {
    if (error) this.#log.warn({ err: error }, 'broker refused the node');
    clearTimeout(this.#retry);
    const waitMs = backoffMs(this.#refusals, Math.random(), { firstMs: 500, mostMs: 10_000 });
    this.#refusals += 1;
    this.#retry = setTimeout(() => {
      this.#socket.disconnect().connect();
    }, waitMs);
  }

  #beat(): void {
    this.#socket.volatile.emit('node.heartbeat', {
      load1: loadavg()[0] ?? 0,
      freeMemoryMiB: Math.floor(freemem() / 2 ** 20),
      sessions: this.#sessions.all().map((session) => ({ ...session.report, ...session.statistics })),
    });
  }

  async #deliver(event: NodeSessionEvent): Promise<void> {
    const answer: unknown = await this.#socket.timeout(acknowledgementMs).emitWithAck('session.event', event);
    const ack = deliverySchema.parse(answer);
    // A broker that does not want it will not want it later either.
    if (!ack.ok)
      this.#log.warn({ code: ack.problem.code, sessionId: event.sessionId }, 'broker refused an event');
  }

  #obey(): void {
    const sessions = this.#sessions;
    this.#socket.on('session.start', (request, answer) =>
      this.#answer(answer, () => {
        sessions.start(parseInput(startSessionSchema, request));
        return null;
      }),
    );
    this.#socket.on('session.stop', (request, answer) =>
      this.#answer(answer, async () => {
        const { sessionId, reason, incarnation } = parseInput(stopSessionSchema, request);
        await sessions.stop(sessionId, reason, incarnation);
        return null;
      }),
    );
    this.#socket.on('session.set-controller', (request, answer) =>
      this.#answer(answer, () => {
        const { sessionId, participantId } = parseInput(setControllerSchema, request);
        sessions.find(sessionId).setController(participantId);
        return null;
      }),
    );
    this.#socket.on('session.remove-participant', (request, answer) =>
      this.#answer(answer, () => {
        const { sessionId, participantId } = parseInput(removeParticipantSchema, request);
        sessions.find(sessionId).removeParticipant(participantId);
        return null;
      }),
    );
    this.#socket.on('stream.request', (relayed, answer) =>
      this.#answer(answer, async () => {
        const { sessionId, participantId, request } = parseInput(relayedStreamRequestSchema, relayed);
        return sessions.find(sessionId).answer(participantId, request);
      }),
    );
    this.#socket.on('transfer.request', (relayed, answer) =>
      this.#answer(answer, async () => {
        const { sessionId, request, ...asker } = parseInput(relayedTransferSchema, relayed);
        return sessions.find(sessionId).transfer(asker, request);
      }),
    );
  }

  #answer<Value>(answer: (ack: Ack<Value>) => void, work: () => Value | Promise<Value>): void {
    const run = async (): Promise<void> => {
      try {
        answer({ ok: true, value: await work() });
      } catch (error) {
        const instance = `urn:uuid:${randomUUID()}`;
        this.#log.warn({ err: error, instance }, 'request of the broker failed');
        answer({ ok: false, problem: toProblem(error, instance) });
      }
    };
    void run();
  }
}
