import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { admissionOf, type PeerCertificate } from '../entities/admission.ts';
import type { EntityRegistry, Permission } from '../entities/registry.ts';
import type { Ingest } from '../ingest/ingest.ts';
import {
  applicationContextName,
  encodeAssociateAccept,
  parseAssociateRequest,
  type AssociateRequest,
} from './associate.ts';
import { actionFor, type AssociationState } from './association-state.ts';
import {
  commandFields,
  responseTo,
  statuses,
  type Command,
  type CommandElements,
  type CommandStatus,
} from './command.ts';
import { collect, MessageExchange, type DataSetReceiver } from './exchange.ts';
import { createCancel, type Cancel } from './cancel.ts';
import { negotiate } from './negotiate.ts';
import { whole, type AcceptedContext, type Operation, type Peer } from './operation.ts';
import {
  abortReasons,
  encodeReject,
  encodeReleaseResponse,
  encodeUserAbort,
  ProtocolViolation,
  rejections,
  type Pdu,
  type Rejection,
} from './pdu.ts';
import { serviceOf, type ServiceKind } from './services.ts';
import { drain, openStoreSink, type DataSetSink } from './store-scp.ts';
import { Transport, type TransportTimes } from './transport.ts';

type AssociationPolicy = TransportTimes & {
  readonly aeTitle: string;
  /** Empty: any may call. */
  readonly callingTitles: readonly string[];
};

/** Performs a request whose identifier has come; undefined: it was too long. Answers the peer itself. */
export type Service = (operation: Operation, identifier: Buffer | undefined) => Promise<void>;
export type Services = Readonly<Record<Exclude<ServiceKind, 'verification' | 'storage'>, Service>>;

export type AssociationDeps = {
  readonly policy: AssociationPolicy;
  readonly registry: EntityRegistry;
  /** What the peer proved itself with; undefined over plaintext. */
  readonly certificate: PeerCertificate | undefined;
  readonly ingest: Ingest;
  readonly services: Services;
  /** Whether objects of this SOP class lie here in this transfer syntax. */
  readonly holds: (sopClassUID: string, transferSyntax: string) => boolean;
  readonly log: Logger;
  /** False when as many associations run as may. Otherwise one more runs until it is disposed. */
  admit(): Disposable | undefined;
  refused(refusal: Refusal): void;
  admitted(title: string, certificate: PeerCertificate | undefined): void;
};

/** An association that was not accepted. */
export type Refusal = { readonly title: string; readonly address: string; readonly reason: string };

type Running = { readonly cancel: Cancel; isReceived: boolean };

/** Lists of thousands of UIDs fit in; requests for commitment name more. */
export const mostIdentifierBytes: Readonly<Record<keyof Services, number>> = {
  find: 256 * 1024,
  move: 256 * 1024,
  get: 256 * 1024,
  commitment: 8 * 1024 * 1024,
};
const requestOf: Readonly<Record<keyof Services, number>> = {
  find: commandFields.findRequest,
  move: commandFields.moveRequest,
  get: commandFields.getRequest,
  commitment: commandFields.actionRequest,
};

/** One connection of a peer, from the TCP accept to its close. */
export class Association {
  readonly #transport: Transport;
  readonly #exchange: MessageExchange;
  readonly #deps: AssociationDeps;
  readonly #running = new Map<number, Running>();
  readonly #background = new Set<Promise<void>>();
  #contexts: ReadonlyMap<number, AcceptedContext> = new Map();
  #state: AssociationState = 'awaiting-association';
  #seat: Disposable | undefined;
  readonly #peer: Peer;
  #callingTitle = '';
  #may: ReadonlySet<Permission> = new Set();
  #sopClasses: readonly string[] = [];
  /** Operations that the peer may have under way (PS3.7 §D.3.3.3). */
  #window = 1;

  constructor(socket: Socket, deps: AssociationDeps) {
    this.#deps = deps;
    this.#peer = { address: socket.remoteAddress ?? '', certificate: deps.certificate?.commonName };
    this.#exchange = new MessageExchange({
      write: async (bytes) => this.#transport.write(bytes),
      isContext: (id) => this.#contexts.has(id),
      begin: async (command, contextId) => this.#begin(command, contextId),
    });
    this.#transport = new Transport(socket, deps.policy, (isReading) => {
      const isWorking = [...this.#running.values()].some(({ isReceived }) => isReceived);
      return this.#exchange.isWaiting() || (isReading && !isWorking);
    });
  }

  /** Resolves when the connection is over, for whatever reason. Never rejects. */
  async run(): Promise<void> {
    const artim = setTimeout(() => {
      if (this.#state === 'awaiting-association') this.#transport.destroy();
    }, this.#deps.policy.artimMs);
    try {
      await this.#transport.read({
        take: (pdu): Promise<void> | undefined => this.#take(pdu),
        isOver: () => this.#isEnded(),
      });
    } catch (error) {
      this.#fail(error);
    } finally {
      clearTimeout(artim);
      for (const { cancel } of this.#running.values()) cancel.abort();
      await this.#exchange.fail(new Error('The association is over'));
      await Promise.all(this.#background);
      this.#seat?.[Symbol.dispose]();
      await this.#transport.closed();
    }
  }

  /** The node goes down. */
  abort(): void {
    this.#end();
    this.#transport.abort(abortReasons.notSpecified);
    this.#transport.destroySoon();
  }

  #isEnded(): boolean {
    return this.#state === 'ended' || this.#transport.isEnded;
  }

  #end(lastWords?: Buffer): void {
    this.#state = 'ended';
    if (lastWords) this.#transport.end(lastWords);
  }

  #fail(error: unknown): void {
    const isBefore = this.#state === 'awaiting-association';
    this.#state = 'ended';
    if (error instanceof ProtocolViolation) {
      this.#deps.log.warn({ reason: error.message }, 'association aborted');
      // PS3.8 table 9-10: AA-1 while no association is there, AA-8 within one.
      if (isBefore) this.#transport.end(encodeUserAbort());
      else this.#transport.abort(error.reason);
      return;
    }
    if (this.#transport.isEnded) return;
    // The peer reset the connection, or a bug: either way this association is over, and only this one.
    this.#deps.log.warn({ err: error }, 'association lost');
    this.#transport.destroy();
  }

  #take(pdu: Pdu): Promise<void> | undefined {
    switch (actionFor(this.#state, pdu.type)) {
      case 'negotiate':
        return this.#negotiate(parseAssociateRequest(pdu.body));
      case 'take-data':
        return this.#exchange.take(pdu.body);
      case 'answer-release':
        this.#end(encodeReleaseResponse());
        return undefined;
      case 'end':
        this.#end();
        return undefined;
      case 'abort-unexpected':
        throw new ProtocolViolation(abortReasons.unexpectedPdu, 'unexpected PDU');
      case 'ignore':
        return undefined;
    }
  }

  async #negotiate(request: AssociateRequest): Promise<void> {
    const { rejection, reason } = await this.#rejectionOf(request);
    if (this.#isEnded()) return;
    if (rejection) {
      this.#deps.refused({ title: request.callingTitle, address: this.#peer.address, reason });
      this.#deps.log.warn({ ...rejection }, 'association rejected');
      this.#end(encodeReject(rejection));
      return;
    }
    const { contexts, results, user, window } = negotiate(request, {
      may: this.#may,
      sopClasses: this.#sopClasses,
      holds: this.#deps.holds,
    });
    this.#contexts = contexts;
    this.#window = window;
    this.#callingTitle = request.callingTitle;
    this.#exchange.peerMostBytes = request.user.mostPduBytes;
    this.#state = 'associated';
    this.#deps.admitted(request.callingTitle, this.#deps.certificate);
    this.#deps.log.info({ callingTitle: request.callingTitle }, 'association accepted');
    await this.#transport.write(encodeAssociateAccept(request, results, user));
  }

  async #rejectionOf(
    request: AssociateRequest,
  ): Promise<{ readonly rejection: Rejection | undefined; readonly reason: string }> {
    const { policy, registry, certificate, log } = this.#deps;
    if ((request.protocolVersion & 1) === 0)
      return { rejection: rejections.protocolVersion, reason: 'protocol version' };
    if (request.applicationContext !== applicationContextName)
      return { rejection: rejections.applicationContext, reason: 'application context' };
    if (request.calledTitle !== policy.aeTitle)
      return { rejection: rejections.calledTitle, reason: 'calls another title' };
    const admission = admissionOf(await registry.current(), {
      title: request.callingTitle,
      certificate,
      callingTitles: policy.callingTitles,
    });
    if (!admission.isAdmitted) {
      log.warn({ reason: admission.reason }, 'caller not admitted');
      return { rejection: rejections.callingTitle, reason: admission.reason };
    }
    this.#may = admission.may;
    this.#sopClasses = admission.sopClasses ?? [];
    this.#seat = this.#deps.admit();
    return {
      rejection: this.#seat ? undefined : rejections.localLimit,
      reason: 'as many associations as may be',
    };
  }

  async #begin(command: Command, contextId: number): Promise<DataSetReceiver | undefined> {
    const context = this.#contexts.get(contextId);
    if (!context) return undefined;
    if (command.field === commandFields.cancelRequest) {
      this.#running.get(command.messageId)?.cancel.abort();
      return command.hasDataSet ? collect(0, async () => undefined) : undefined;
    }
    if (this.#running.has(command.messageId) || this.#running.size >= this.#window)
      throw new ProtocolViolation(abortReasons.invalidParameter, 'more operations than were negotiated');
    const running: Running = { cancel: createCancel(), isReceived: !command.hasDataSet };
    this.#running.set(command.messageId, running);
    const operation = this.#operation(command, context, running.cancel);
    const kind = serviceOf(context.abstractSyntax)?.kind;
    const service = serviceFor(command, kind);
    if (service) {
      const perform = this.#deps.services[service];
      return collect(mostIdentifierBytes[service], async (identifier) => {
        running.isReceived = true;
        this.#inBackground(perform(operation, identifier));
      });
    }
    const status = immediateStatus(command, kind);
    if (!status) return this.#storing(await this.#sinkFor(operation, kind), operation, running);
    await operation.respond(status);
    return undefined;
  }

  async #sinkFor({ command, context }: Operation, kind: ServiceKind | undefined): Promise<DataSetSink> {
    return isStore(command, context, kind)
      ? openStoreSink(command, { ...context, callingTitle: this.#callingTitle }, this.#deps)
      : drain({ status: statuses.unrecognizedOperation });
  }

  #storing(sink: DataSetSink, operation: Operation, running: Running): DataSetReceiver {
    const finish = async (): Promise<void> => operation.respond(await sink.end());
    return {
      write: (bytes): Promise<void> | undefined => sink.write(bytes),
      discard: async () => sink.discard(),
      end: async () => {
        running.isReceived = true;
        // With a window the next object comes in while this one is made durable.
        if (this.#window > 1) this.#inBackground(finish());
        else await finish();
      },
    };
  }

  #operation(command: Command, context: AcceptedContext, cancel: Cancel): Operation {
    return {
      command,
      context,
      get cancelled() {
        return cancel.signal();
      },
      callingTitle: this.#callingTitle,
      peer: this.#peer,
      may: this.#may,
      exchange: this.#exchange,
      contexts: this.#contexts,
      respond: async (elements, dataSet) => this.#respond(command, context.id, { elements, dataSet }),
    };
  }

  async #respond(
    command: Command,
    contextId: number,
    { elements, dataSet }: { elements: CommandElements; dataSet: Buffer | undefined },
  ): Promise<void> {
    const isLast = elements.status !== statuses.pending && elements.status !== statuses.pendingWithWarning;
    // Before the peer can know of it: its next request may come at once.
    if (isLast) this.#running.delete(command.messageId);
    if (this.#isEnded()) return;
    await this.#exchange.send(contextId, { ...responseTo(command), ...elements }, dataSet && whole(dataSet));
  }

  #inBackground(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }
}

/** The service that a request is for, when it is one that its context is for and an identifier comes with it. */
function serviceFor(command: Command, kind: ServiceKind | undefined): keyof Services | undefined {
  if (!kind || kind === 'verification' || kind === 'storage') return undefined;
  return requestOf[kind] === command.field && command.hasDataSet ? kind : undefined;
}

/** What can be answered by the command alone. */
function immediateStatus(command: Command, kind: ServiceKind | undefined): CommandStatus | undefined {
  if (command.hasDataSet) return undefined;
  if (command.field === commandFields.echoRequest && kind === 'verification')
    return { status: statuses.success };
  return command.field === commandFields.storeRequest
    ? { status: statuses.cannotUnderstand }
    : { status: statuses.unrecognizedOperation };
}

function isStore(command: Command, context: AcceptedContext, kind: ServiceKind | undefined): boolean {
  return command.field === commandFields.storeRequest && kind === 'storage' && !context.isReceiver;
}
