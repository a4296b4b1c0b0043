import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { admissionOf, type PeerCertificate } from '../entities/admission.ts';
import type { EntityRegistry } from '../entities/registry.ts';
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
  encodeResponse,
  mostCommandBytes,
  parseCommand,
  statuses,
  type Command,
} from './command.ts';
import {
  abortReasons,
  encodeAbort,
  encodeCommandData,
  encodeReject,
  encodeReleaseResponse,
  parseData,
  PduReader,
  ProtocolViolation,
  rejections,
  type DataValue,
  type Pdu,
  type Rejection,
} from './pdu.ts';
import { acceptContext, verification } from './sop-classes.ts';
import { drain, openStoreSink, type DataSetSink, type StoreContext } from './store-scp.ts';

type AssociationPolicy = {
  readonly aeTitle: string;
  /** Empty: any may call. */
  readonly callingTitles: readonly string[];
  /** PS3.8 §9.1.4: how long we wait for a request, and for the peer to close. */
  readonly artimMs: number;
  readonly idleMs: number;
};

export type AssociationDeps = {
  readonly policy: AssociationPolicy;
  readonly registry: EntityRegistry;
  /** What the peer proved itself with; undefined over plaintext. */
  readonly certificate: PeerCertificate | undefined;
  readonly ingest: Ingest;
  readonly log: Logger;
  /** False when as many associations run as may. Otherwise one more runs until it is disposed. */
  admit(): Disposable | undefined;
  refused(): void;
};

type AcceptedContext = Omit<StoreContext, 'callingTitle'>;
type Message = { readonly command: Command; readonly contextId: number; readonly sink: DataSetSink };

/** One connection of a peer, from the TCP accept to its close. */
export class Association {
  readonly #socket: Socket;
  readonly #deps: AssociationDeps;
  readonly #contexts = new Map<number, AcceptedContext>();
  #state: AssociationState = 'awaiting-association';
  #seat: Disposable | undefined;
  #callingTitle = '';
  #peerMostBytes = 0;
  #command: Buffer[] = [];
  #commandBytes = 0;
  #commandContext: number | undefined;
  #message: Message | undefined;
  #isBusy = false;

  constructor(socket: Socket, deps: AssociationDeps) {
    this.#socket = socket;
    this.#deps = deps;
  }

  /** Resolves when the connection is over, for whatever reason. Never rejects. */
  async run(): Promise<void> {
    const artim = setTimeout(() => {
      if (this.#state === 'awaiting-association') this.#socket.destroy();
    }, this.#deps.policy.artimMs);
    this.#socket.setNoDelay(true);
    this.#socket.setTimeout(this.#deps.policy.idleMs, () => {
      // Nothing can come while we do not read.
      if (!this.#isBusy) this.#end(encodeAbort(abortReasons.notSpecified));
    });
    try {
      await this.#read();
    } catch (error) {
      await this.#fail(error);
    } finally {
      clearTimeout(artim);
      await this.#message?.sink.discard();
      this.#seat?.[Symbol.dispose]();
      await this.#closed();
    }
  }

  /** The node goes down. */
  abort(): void {
    this.#end(encodeAbort(abortReasons.notSpecified));
    this.#socket.destroySoon();
  }

  async #read(): Promise<void> {
    const reader = new PduReader();
    const chunks: AsyncIterable<Buffer> = this.#socket.iterator({ destroyOnReturn: false });
    for await (const chunk of chunks) {
      this.#isBusy = true;
      for (const pdu of reader.push(chunk)) {
        await this.#take(pdu);
        if (this.#isEnded()) return;
      }
      this.#isBusy = false;
    }
  }

  #isEnded(): boolean {
    return this.#state === 'ended';
  }

  async #fail(error: unknown): Promise<void> {
    if (error instanceof ProtocolViolation) {
      this.#deps.log.warn({ reason: error.message }, 'association aborted');
      this.#end(encodeAbort(error.reason));
      return;
    }
    // The peer reset the connection, or a bug: either way this association is over, and only this one.
    this.#deps.log.warn({ err: error }, 'association lost');
    this.#socket.destroy();
  }

  async #take(pdu: Pdu): Promise<void> {
    switch (actionFor(this.#state, pdu.type)) {
      case 'negotiate': {
        await this.#negotiate(parseAssociateRequest(pdu.body));
        return;
      }
      case 'take-data':
        for (const value of parseData(pdu.body)) await this.#takeValue(value);
        return;
      case 'answer-release': {
        this.#end(encodeReleaseResponse());
        return;
      }
      case 'end': {
        this.#end();
        return;
      }
      case 'abort-unexpected':
        throw new ProtocolViolation(abortReasons.unexpectedPdu, 'unexpected PDU');
      case 'ignore':
        return;
    }
  }

  async #negotiate(request: AssociateRequest): Promise<void> {
    const rejection = await this.#rejectionOf(request);
    if (this.#isEnded()) return;
    if (rejection) {
      this.#deps.refused();
      this.#deps.log.warn({ ...rejection }, 'association rejected');
      this.#end(encodeReject(rejection));
      return;
    }
    const results = request.contexts.map((context) => {
      const result = acceptContext(context);
      if (result.result === 'accepted')
        this.#contexts.set(context.id, {
          abstractSyntax: context.abstractSyntax,
          transferSyntax: result.transferSyntax,
        });
      return result;
    });
    this.#callingTitle = request.callingTitle;
    this.#peerMostBytes = request.mostPduBytes;
    this.#state = 'associated';
    this.#deps.log.info({ callingTitle: request.callingTitle }, 'association accepted');
    this.#send(encodeAssociateAccept(request, results));
  }

  async #rejectionOf(request: AssociateRequest): Promise<Rejection | undefined> {
    const { policy, registry, certificate, log } = this.#deps;
    if ((request.protocolVersion & 1) === 0) return rejections.protocolVersion;
    if (request.applicationContext !== applicationContextName) return rejections.applicationContext;
    if (request.calledTitle !== policy.aeTitle) return rejections.calledTitle;
    const admission = admissionOf(await registry.current(), {
      title: request.callingTitle,
      certificate,
      callingTitles: policy.callingTitles,
    });
    if (!admission.isAdmitted) {
      log.warn({ reason: admission.reason }, 'caller not admitted');
      return rejections.callingTitle;
    }
    this.#seat = this.#deps.admit();
    return this.#seat ? undefined : rejections.localLimit;
  }

  async #takeValue(value: DataValue): Promise<void> {
    if (!this.#contexts.has(value.contextId))
      throw new ProtocolViolation(abortReasons.invalidParameter, 'data for a context that was not accepted');
    if (value.isCommand) await this.#takeCommand(value);
    else await this.#takeDataSet(value);
  }

  async #takeCommand(value: DataValue): Promise<void> {
    const isOther = this.#commandContext !== undefined && this.#commandContext !== value.contextId;
    this.#commandBytes += value.bytes.length;
    if (this.#message || isOther || this.#commandBytes > mostCommandBytes)
      throw new ProtocolViolation(
        abortReasons.invalidParameter,
        'a command where none may be, or one too long',
      );
    this.#commandContext = value.contextId;
    this.#command.push(value.bytes);
    if (!value.isLast) return;
    const command = parseCommand(Buffer.concat(this.#command));
    this.#command = [];
    this.#commandBytes = 0;
    this.#commandContext = undefined;
    await this.#begin(command, value.contextId);
  }

  async #begin(command: Command, contextId: number): Promise<void> {
    const context = this.#contexts.get(contextId);
    if (!context) return;
    // Nothing we do lasts long enough to be cancelled (PS3.7 §9.3.2.3).
    if (command.field === commandFields.cancelRequest) return;
    if (!command.hasDataSet) {
      const isEcho = command.field === commandFields.echoRequest && context.abstractSyntax === verification;
      const isStore = command.field === commandFields.storeRequest;
      const status = isEcho
        ? statuses.success
        : isStore
          ? statuses.cannotUnderstand
          : statuses.unrecognizedOperation;
      this.#respond(command, contextId, { status });
      return;
    }
    const isStore = command.field === commandFields.storeRequest;
    const sink = isStore
      ? await openStoreSink(command, { ...context, callingTitle: this.#callingTitle }, this.#deps)
      : drain({ status: statuses.unrecognizedOperation });
    this.#message = { command, contextId, sink };
  }

  async #takeDataSet(value: DataValue): Promise<void> {
    const message = this.#message;
    if (message?.contextId !== value.contextId)
      throw new ProtocolViolation(abortReasons.invalidParameter, 'a data set without its command');
    await message.sink.write(value.bytes);
    if (!value.isLast) return;
    const status = await message.sink.end();
    this.#message = undefined;
    this.#respond(message.command, message.contextId, status);
  }

  #respond(command: Command, contextId: number, status: Parameters<typeof encodeResponse>[1]): void {
    this.#send(encodeCommandData(contextId, encodeResponse(command, status), this.#peerMostBytes));
  }

  #send(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  #end(lastWords?: Buffer): void {
    this.#state = 'ended';
    if (!this.#socket.writable) return;
    if (lastWords) this.#socket.end(lastWords);
    else this.#socket.end();
    // PS3.8 §9.1.4: the peer closes, or ARTIM does.
    const artim = setTimeout(() => this.#socket.destroy(), this.#deps.policy.artimMs);
    this.#socket.once('close', () => clearTimeout(artim));
  }

  async #closed(): Promise<void> {
    this.#end();
    if (this.#socket.closed) return;
    await new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve());
      // What still comes is read and thrown away, so that the peer's end is seen.
      this.#socket.resume();
    });
  }
}
